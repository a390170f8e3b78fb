// SPDX-License-Identifier: MIT
// States of the CPU in which no hypervisor can enter its guest. Where the emulator lets a guest get into one, the
// monitor keeps it out, or the VM ends with a record of its own registers and of nothing else. A word of the command
// line names the piece; tools/tests/machine/ends.t compares the record of `both-widths` with what is printed here.
#include "guest-tests/lib/guest.h"

#define GP 13u

#define CR0_EM (UINT64_C(1) << 2)
#define CR0_TS (UINT64_C(1) << 3)
#define CR0_NW (UINT64_C(1) << 29)
#define CR0_CD (UINT64_C(1) << 30)

#define GDT_ENTRIES 5 // lib/x86_64/start.S: 0x08 code, 0x10 data, 0x18 the TSS
#define BOTH_WIDTHS UINT64_C(0x00ef9b000000ffff) // behind them at 0x28: code with L and D

extern uint64_t gdt[];

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

// An exit follows in the same state.
static void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0\n\tcpuid" : "+a"(value) : : "rbx", "rcx", "rdx", "memory");
}

static void load_msw(uint64_t value)
{
    __asm__ volatile("lmsw %w0\n\tcpuid" : "+a"(value) : : "rbx", "rcx", "rdx", "memory");
}

static void load_msw_from_memory(uint64_t value)
{
    uint16_t word = (uint16_t)value;
    __asm__ volatile("lmsw %0\n\tcpuid" : : "m"(word), "a"(0) : "rbx", "rcx", "rdx", "memory");
}

static bool is_refused(void (*write)(uint64_t), uint64_t value)
{
    uint64_t old = read_cr0();
    return catch_trap(write, value).vector == GP && read_cr0() == old;
}

static void bad_cr0(void)
{
    uint64_t old = read_cr0();
    plan(8);
    ok(is_refused(write_cr0, (old | CR0_NW) & ~CR0_CD), "NW without CD: #GP, and CR0 is as it was");
    ok(is_refused(write_cr0, old & ~UINT64_C(1)), "PG without PE: #GP, and CR0 is as it was");
    ok(is_refused(write_cr0, old | UINT64_C(1) << 32), "a bit of the upper half: #GP, and CR0 is as it was");
    write_cr0(old | CR0_CD | CR0_NW);
    ok(read_cr0() == (old | CR0_CD | CR0_NW), "NW with CD");
    write_cr0(old);
    load_msw((old & 0xf) | CR0_EM);
    ok(read_cr0() == (old | CR0_EM), "LMSW sets EM");
    load_msw_from_memory(old & 0xe & ~CR0_EM);
    ok(read_cr0() == old, "LMSW from memory clears EM, and not PE");
    write_cr0(old | CR0_TS);
    __asm__ volatile("clts");
    ok(read_cr0() == old, "CLTS clears TS");
    write_cr0(old ^ UINT64_C(1) << 18);
    ok(read_cr0() == (old ^ UINT64_C(1) << 18), "AM is the guest's to set");
}

static void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

// Which bit of CPUID says that there is a bit of CR4 (SDM 3A 2.5). What no line names, no guest is told of.
static const struct {
    uint8_t leaf, reg, bit; // reg: 1 EBX, 2 ECX, 3 EDX
    uint8_t cr4;
} cr4_features[] = {
    { 1, 3, 1, 0 },   { 1, 3, 1, 1 },   { 1, 3, 4, 2 },   { 1, 3, 2, 3 },   { 1, 3, 3, 4 },   { 1, 3, 6, 5 },
    { 1, 3, 7, 6 },   { 1, 3, 13, 7 },  { 1, 3, 5, 8 },   { 1, 3, 24, 9 },  { 1, 3, 25, 10 }, { 7, 2, 2, 11 },
    { 7, 2, 16, 12 }, { 1, 2, 5, 13 },  { 1, 2, 6, 14 },  { 7, 1, 0, 16 },  { 1, 2, 17, 17 }, { 1, 2, 26, 18 },
    { 7, 1, 7, 20 },  { 7, 1, 20, 21 }, { 7, 2, 3, 22 },  { 7, 2, 7, 23 },  { 7, 2, 31, 24 },
};

static bool is_announced(unsigned cr4_bit)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(cr4_features); i++) {
        struct cpuid_result leaf = cpuid(cr4_features[i].leaf, 0);
        const uint32_t regs[] = { leaf.eax, leaf.ebx, leaf.ecx, leaf.edx };
        if (cr4_features[i].cr4 == cr4_bit && (regs[cr4_features[i].reg] >> cr4_features[i].bit & 1) != 0)
            return true;
    }
    return false;
}

// PAE is what long mode needs, and MCE is one that a hypervisor may keep for itself though it announces it.
static void hidden_cr4_bits(void)
{
    uint64_t old, taken = 0, hidden = 0;
    plan(2);
    __asm__ volatile("mov %%cr4, %0" : "=r"(old));
    for (unsigned bit = 0; bit < 64; bit++) {
        if (bit == 5)
            continue;
        taken |= catch_trap(write_cr4, old ^ UINT64_C(1) << bit).vector == TRAP_NONE ? UINT64_C(1) << bit : 0;
        hidden |= is_announced(bit) ? 0 : UINT64_C(1) << bit;
        write_cr4(old);
    }
    diag("CR4: taken 0x%lx, not announced 0x%lx", taken, hidden);
    ok((taken & hidden) == 0, "no bit of CR4 can be changed whose feature CPUID does not announce");
    ok((taken & 0x69c) == 0x69c, "DE, PSE, PGE, OSFXSR and OSXMMEXCPT can be");
}

// Code for 64 bits and for 32 at once. The MOV to CR3 after the exit is one that some emulators take for an exit.
static void jump_to_both_widths(uint64_t selector)
{
    struct {
        uint64_t offset;
        uint16_t selector;
    } __attribute__((packed)) target = { 0, (uint16_t)selector };
    __asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\txor %%eax, %%eax\n\trex.w ljmp *%0\n"
                     "1:\tcpuid\n\tmov %1, %%cr3\n\tud2"
                     : "+m"(target) : "r"(UINT64_C(1) << 62) : "rax", "rbx", "rcx", "rdx", "memory");
}

static void both_widths(void)
{
    static uint64_t own_gdt[GDT_ENTRIES + 1];
    const struct {
        uint16_t limit;
        uint64_t *base;
    } __attribute__((packed)) pointer = { sizeof(own_gdt) - 1, own_gdt };
    uint64_t cr3;
    plan(1);
    for (unsigned i = 0; i < GDT_ENTRIES; i++)
        own_gdt[i] = gdt[i];
    own_gdt[GDT_ENTRIES] = BOTH_WIDTHS;
    __asm__ volatile("lgdt %0" : : "m"(pointer));
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    diag("code from 0x%lx, CR3 0x%lx, CR0 0x%lx", (uint64_t)jump_to_both_widths, cr3, read_cr0());
    struct caught c = catch_trap(jump_to_both_widths, 0x28);
    ok(c.vector == GP && c.error == 0x28, "a jump to code of both widths: #GP (vector %u)", c.vector);
}

static const struct named_test words[] = {
    { "cr0", bad_cr0 },
    { "cr4", hidden_cr4_bits },
    { "both-widths", both_widths },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
