// SPDX-License-Identifier: MIT
// INS and OUTS exit before the CPU has looked at their memory, so that segments, addresses, SMAP and protection keys
// are the monitor's to look at. In compatibility mode, where segments count, and in 64-bit mode.
#include "guest-tests/lib/guest.h"

#define SS      12u
#define GP      13u
#define PF      14u
#define NO_PORT 0x80 // reads as ones

#define CR4_SMAP (UINT64_C(1) << 21)
#define CR4_PKE  (UINT64_C(1) << 22)

extern uint64_t gdt[], page_dirs[]; // lib/x86_64/start.S; of the latter one entry for each 2 MiB

// Selectors of own_gdt, which begins as the library's does. Those of our own have their base at `buffer`.
enum { FLAT = 0x10, CODE32 = 0x28, SMALL = 0x30, READ_ONLY = 0x38, DOWN = 0x40, SELECTORS_END = 0x48 };

static uint8_t buffer[3 * 4096] __attribute__((aligned(4096)));
static uint64_t own_gdt[SELECTORS_END / 8];

// --- in compatibility mode -------------------------------------------------------------------------------------------

// With ES and DS as string_selector says, EDI and ESI at string_offset. Behind it string_left is what is left of the
// count, string_at where EDI or ESI is.
extern volatile uint32_t string_selector, string_offset, string_count, string_left, string_at;
#define COMPAT(name, text, index)                                                                                      \
    void name(void);                                                                                                   \
    __asm__(".text\n.globl " #name "\n" #name ":\n push %rbx\n push %rbp\n lcall *" #name "_far(%rip)\n"               \
            " mov $0x10,%eax\n mov %eax,%ds\n mov %eax,%es\n mov %eax,%ss\n pop %rbp\n pop %rbx\n ret\n"               \
            " .balign 8\n" #name "_far: .long 1f, 0x28\n"                                                              \
            " .code32\n1: mov string_offset,%edi\n mov %edi,%esi\n mov string_count,%ecx\n mov $0x80,%edx\n cld\n"     \
            " mov string_selector,%eax\n mov %eax,%es\n mov %eax,%ds\n " text "\n mov $0x10,%eax\n mov %eax,%ds\n"     \
            " mov %ecx,string_left\n mov " index ",string_at\n lret\n .code64\n");
COMPAT(ins_bytes, "rep insb", "%edi")
COMPAT(ins_words, "rep insw", "%edi")
COMPAT(outs_bytes, "rep outsb", "%esi")
COMPAT(outs_code, "rep outsb %cs:(%esi),%dx", "%esi")
__asm__(".data\n.globl string_selector, string_offset, string_count, string_left, string_at\n"
        "string_selector: .long 0\nstring_offset: .long 0\nstring_count: .long 0\nstring_left: .long 0\n"
        "string_at: .long 0\n.text\n");

static volatile unsigned faults;

// Over the instruction, whose prefixes are told by its bytes.
static void step_over(struct trap *trap)
{
    const uint8_t *code = (const uint8_t *)trap->cpu->rip;
    faults = (unsigned)trap->vector;
    while (*code < 0x6c || *code > 0x6f)
        code++;
    trap->cpu->rip = (uint64_t)code + 1;
}

static unsigned run(void (*body)(void), unsigned selector, uint32_t offset, uint32_t count)
{
    string_selector = selector;
    string_offset = offset;
    string_count = count;
    faults = 0;
    body();
    return faults;
}

static bool untouched(const uint8_t *at, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        if (at[i] != 0x5c)
            return false;
    return true;
}

static void clear(void)
{
    for (unsigned i = 0; i < sizeof(buffer); i++)
        buffer[i] = 0x5c;
}

static uint64_t segment(uint64_t access, uint32_t limit, bool big)
{
    uint64_t base = (uint64_t)buffer;
    return (limit & 0xffff) | (base & 0xffffff) << 16 | access << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
           (uint64_t)big << 54 | (base >> 24 & 0xff) << 56;
}

static void load_segments(void)
{
    const struct {
        uint16_t limit;
        uint64_t *base;
    } __attribute__((packed)) pointer = { sizeof(own_gdt) - 1, own_gdt };
    for (unsigned i = 0; i < 5; i++)
        own_gdt[i] = gdt[i];
    own_gdt[CODE32 / 8] = UINT64_C(0x00cf99000000ffff); // not readable
    own_gdt[SMALL / 8] = segment(0x93, 0xfff, true);
    own_gdt[READ_ONLY / 8] = segment(0x91, 0xfff, true);
    own_gdt[DOWN / 8] = segment(0x97, 0xfff, false);
    __asm__ volatile("lgdt %0" : : "m"(pointer));
    trap_set(GP, step_over);
    trap_set(SS, step_over);
}

static void test_segments(void)
{
    clear();
    ok(run(ins_bytes, SMALL, 0, 16) == 0 && string_at == 16 && buffer[15] == 0xff && untouched(buffer + 16, 16),
       "INSB inside of a segment");
    clear();
    ok(run(ins_bytes, SMALL, 0x1000, 1) == GP && untouched(buffer, sizeof(buffer)), "INSB beyond its limit: #GP");
    clear();
    ok(run(ins_words, SMALL, 0xfff, 1) == GP && untouched(buffer, sizeof(buffer)), "INSW across its limit: #GP");
    clear();
    ok(run(ins_bytes, SMALL, 0xff0, 64) == GP && string_left == 48 && string_at == 0x1000 && buffer[0xfff] == 0xff &&
           untouched(buffer + 0x1000, 64), "REP INSB up to its limit, then #GP");
    clear();
    ok(run(ins_bytes, READ_ONLY, 0, 1) == GP && untouched(buffer, 64), "INSB into a segment that is read only: #GP");
    ok(run(outs_bytes, READ_ONLY, 0, 1) == 0, "OUTSB from it");
    ok(run(outs_bytes, READ_ONLY, 0x1000, 1) == GP, "OUTSB beyond its limit: #GP");
    ok(run(ins_bytes, 0, (uint32_t)(uint64_t)buffer, 1) == GP && untouched(buffer, 64), "INSB by a null selector: #GP");
    ok(run(outs_code, SMALL, 0, 1) == GP, "OUTSB from code that is not readable: #GP");
    ok(run(ins_bytes, DOWN, 0xfff, 1) == GP && untouched(buffer, 0x1100),
       "INSB below a segment that expands down: #GP");
    ok(run(ins_bytes, DOWN, 0x1000, 1) == 0 && buffer[0x1000] == 0xff, "INSB inside of it");
    ok(run(ins_bytes, DOWN, 0x10000, 1) == GP, "INSB above it: #GP");
    ok(run(outs_bytes, FLAT, 0xfffffff0, 32) == 0 && string_at == 16 && string_left == 0, "ESI wraps at 32 bits");
}

// --- in 64-bit mode --------------------------------------------------------------------------------------------------

static void ins_at(uint64_t address)
{
    uint64_t left = 1;
    __asm__ volatile("rep insb" : "+c"(left), "+D"(address) : "d"(NO_PORT) : "memory");
}

static void outs_at(uint64_t address)
{
    uint64_t left = 1;
    __asm__ volatile("rep outsb" : "+c"(left), "+S"(address) : "d"(NO_PORT) : "memory");
}

static void ins_word_at(uint64_t address)
{
    uint64_t left = 1;
    __asm__ volatile("rep insw" : "+c"(left), "+D"(address) : "d"(NO_PORT) : "memory");
}

static void ins_with_ac(uint64_t address)
{
    __asm__ volatile("stac" : : : "memory");
    ins_at(address);
    __asm__ volatile("clac" : : : "memory");
}

static void set_cr4(uint64_t bits, bool on)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(on ? cr4 | bits : cr4 & ~bits) : "memory");
}

static void set_page(uint64_t address, uint64_t bits)
{
    uint64_t cr3;
    uint64_t *top;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    top = (uint64_t *)(cr3 & ~UINT64_C(0xfff));
    top[0] |= 4;
    ((uint64_t *)(top[0] & ~UINT64_C(0xfff)))[0] |= 4;
    page_dirs[address >> 21] = (address & ~UINT64_C(0x1fffff)) | 0x83 | bits;
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static void test_addresses(void)
{
    struct caught c = catch_trap(ins_at, UINT64_C(0x800000000000));
    ok(c.vector == GP, "INSB to an address that is not canonical: #GP (vector %u)", c.vector);
    c = catch_trap(ins_word_at, UINT64_C(0x7fffffffffff));
    ok(c.vector == GP, "INSW across the end of the canonical ones: #GP (vector %u)", c.vector);
    c = catch_trap(outs_at, UINT64_C(0xffff7fffffffffff));
    ok(c.vector == GP, "OUTSB from one that is not: #GP (vector %u)", c.vector);
}

#define USER_PAGE UINT64_C(0x800000) // 2 MiB of RAM that the kernel does not use

static void test_smap(void)
{
    if ((cpuid(7, 0).ebx >> 20 & 1) == 0) {
        for (unsigned i = 0; i < 3; i++)
            skip("no SMAP", "SMAP");
        return;
    }
    volatile uint8_t *byte = (volatile uint8_t *)(USER_PAGE + 5);
    *byte = 0x5c;
    set_page(USER_PAGE, 4);
    set_cr4(CR4_SMAP, true);
    struct caught c = catch_trap(ins_at, (uint64_t)byte), d = catch_trap(outs_at, (uint64_t)byte);
    set_cr4(CR4_SMAP, false);
    ok(c.vector == PF && c.error == 3 && c.cr2 == (uint64_t)byte && *byte == 0x5c,
       "INSB to a page of the user's under SMAP: #PF (vector %u, error 0x%lx)", c.vector, c.error);
    ok(d.vector == PF && d.error == 1, "OUTSB from it: #PF (vector %u, error 0x%lx)", d.vector, d.error);
    set_cr4(CR4_SMAP, true);
    c = catch_trap(ins_with_ac, (uint64_t)byte);
    set_cr4(CR4_SMAP, false);
    ok(c.vector == TRAP_NONE && *byte == 0xff, "and with AC it is done (vector %u)", c.vector);
}

static void write_pkru(uint32_t value)
{
    __asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static void test_keys(void)
{
    if ((cpuid(7, 0).ecx >> 3 & 1) == 0) {
        for (unsigned i = 0; i < 3; i++)
            skip("no protection keys", "keys");
        return;
    }
    volatile uint8_t *byte = (volatile uint8_t *)(USER_PAGE + 7);
    *byte = 0x5c;
    set_page(USER_PAGE, 4 | UINT64_C(9) << 59);
    set_cr4(CR4_PKE, true);
    write_pkru(1u << 18); // AD of key 9
    struct caught c = catch_trap(outs_at, (uint64_t)byte);
    ok(c.vector == PF && c.error == 0x21, "OUTSB by a key that denies it: #PF (vector %u, error 0x%lx)", c.vector,
       c.error);
    write_pkru(2u << 18); // WD
    c = catch_trap(ins_at, (uint64_t)byte);
    ok(c.vector == PF && c.error == 0x23, "INSB by a key that denies writes: #PF (vector %u, error 0x%lx)", c.vector,
       c.error);
    c = catch_trap(outs_at, (uint64_t)byte);
    write_pkru(0);
    set_cr4(CR4_PKE, false);
    ok(c.vector == TRAP_NONE && *byte == 0x5c, "which lets OUTSB read (vector %u)", c.vector);
}

void test_main(void)
{
    plan(22);
    load_segments();
    test_segments();
    trap_reset(GP);
    trap_reset(SS);
    test_addresses();
    test_smap();
    test_keys();
}
