// SPDX-License-Identifier: MIT
// A guest that means harm: random bytes, and random instructions that leave a guest, with random registers, through
// descriptors and page tables that it has mangled, in whatever mode it gets into, among interrupts of its own making.
// What becomes of it is nobody's claim here: it may die at once. That the monitor lives, and that the VM after it sees
// nothing of it, is (tools/hostile). seed=N chooses all that it does, rounds=N how often.
#include "guest-tests/hostile.h"
#include "guest-tests/lib/x86_64/devices.h"

#define CODE_BYTES 512u
#define GDT_SLOTS  64u
#define CODE16     0x28u
#define CODE32     0x30u

uint8_t code[CODE_BYTES] __attribute__((aligned(4096)));
static uint8_t scratch[8192] __attribute__((aligned(4096)));
uint64_t registers[15]; // RAX to R15 without RSP, as the code gets them
static uint64_t descriptors[GDT_SLOTS];
static unsigned length; // of the code
extern uint64_t gdt[], page_dirs[], pml4[], pdpt[];

// --- numbers that matter to somebody -------------------------------------------------------------------------------

static uint64_t address(void)
{
    uint64_t device = ONE_OF(0xfee00000, 0xfec00000, 0xfed00000, 0xb8000, 0xa0000, 0xd0000000, 0xf0000, 0x100000000);
    switch (below(8)) {
    case 0: return (uint64_t)scratch + below(sizeof(scratch));
    case 1: return (uint64_t)code + below(CODE_BYTES);
    case 2: return (uint64_t)page_dirs + below(0x4000);
    case 3: return below(0x400000);
    case 4: return ONE_OF(0xfff, 0x3ffffe, 0xfffffffe, 0x7ffffffffffc, 0xffff800000000000, UINT64_MAX - 2, 1ull << 47);
    default: return device + below(0x1000);
    }
}

static uint64_t msr(void)
{
    switch (below(5)) {
    case 0: return 0x800 + below(0x100);
    case 1: return below(0x2000);
    case 2: return 0xc0000080 + below(0x90);
    case 3: return 0xc0010000 + below(0x200);
    default:
        return ONE_OF(0x10, 0x1b, 0x3a, 0x3b, 0x6e0, 0x1d9, 0x277, 0x480, 0x48b, 0xc0000080, 0xc0000103, 0xc0010114,
                      0xc0010117, 0x4b564d00, 0x4b564d01, 0x4b564d03, 0x174, 0x175, 0x176, 0xda0, 0x9e);
    }
}

static uint64_t number(void)
{
    switch (below(6)) {
    case 0: return address();
    case 1: return msr();
    case 2: return below(0x10000);
    case 3: return random_next(&rng) >> below(64);
    case 4: return UINT64_C(1) << below(64);
    default:
        return ONE_OF(0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, INT32_MAX, 0x80000000, UINT32_MAX, UINT64_MAX,
                      INT64_MAX, 1ull << 63, 0x80050033, 0x80000011, 0x60000010);
    }
}

// --- the code ------------------------------------------------------------------------------------------------------

static void emit(const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count && length < CODE_BYTES - 2; i++)
        code[length++] = bytes[i];
}

static void emit_byte(uint64_t byte)
{
    emit(&(uint8_t){ (uint8_t)byte }, 1);
}

static void emit_random(uint64_t count)
{
    for (; count != 0; count--)
        emit_byte(random_next(&rng));
}

static void emit_prefixes(void)
{
    static const uint8_t prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x48, 0x44 };
    for (uint64_t count = below(8) < 5 ? 0 : below(3); count != 0; count--)
        emit_byte(prefixes[below(sizeof(prefixes))]);
}

// MOV r64, imm64
static void emit_load(uint64_t reg, uint64_t value)
{
    emit_byte(0x48 | (reg >> 3));
    emit_byte(0xb8 | (reg & 7));
    for (unsigned i = 0; i < 64; i += 8)
        emit_byte(value >> i);
}

// Instructions that a monitor intercepts or must know of, but for their operands: first the length.
static const uint8_t privileged[][6] = {
    { 2, 0x0f, 0x30 },             { 2, 0x0f, 0x32 },             { 2, 0x0f, 0xa2 },       { 3, 0x0f, 0x01, 0xc1 },
    { 3, 0x0f, 0x01, 0xd9 },       { 3, 0x0f, 0x01, 0xd8 },       { 3, 0x0f, 0x01, 0xda }, { 3, 0x0f, 0x01, 0xdb },
    { 3, 0x0f, 0x01, 0xdc },       { 3, 0x0f, 0x01, 0xdd },       { 3, 0x0f, 0x01, 0xde }, { 3, 0x0f, 0x01, 0xdf },
    { 3, 0x0f, 0x01, 0xd0 },       { 3, 0x0f, 0x01, 0xd1 },       { 3, 0x0f, 0x01, 0xc2 }, { 3, 0x0f, 0x01, 0xc3 },
    { 3, 0x0f, 0x01, 0xc4 },       { 4, 0xf3, 0x0f, 0xc7, 0x30 }, { 3, 0x0f, 0xc7, 0x30 }, { 3, 0x0f, 0x78, 0xc0 },
    { 3, 0x0f, 0x79, 0xc0 },       { 3, 0x0f, 0xc7, 0x38 },       { 3, 0x0f, 0x01, 0xc8 }, { 3, 0x0f, 0x01, 0xc9 },
    { 3, 0x0f, 0x01, 0xf8 },       { 3, 0x0f, 0x01, 0xf9 },       { 2, 0x0f, 0x31 },       { 2, 0x0f, 0x33 },
    { 2, 0x0f, 0x08 },             { 2, 0x0f, 0x09 },             { 2, 0x0f, 0x05 },       { 2, 0x0f, 0x07 },
    { 3, 0x48, 0x0f, 0x07 },       { 2, 0x0f, 0x34 },             { 2, 0x0f, 0x35 },       { 1, 0xcf },
    { 2, 0x48, 0xcf },             { 2, 0x0f, 0xaa },             { 2, 0xfb, 0xf4 },       { 1, 0xfb },
    { 1, 0xfa },                   { 1, 0x9d },                   { 1, 0xf1 },             { 1, 0xcc },
    { 3, 0x0f, 0x00, 0xd0 },       { 3, 0x0f, 0x00, 0xd8 },       { 3, 0x0f, 0x01, 0x10 }, { 3, 0x0f, 0x01, 0x18 },
    { 3, 0x0f, 0x01, 0x38 },       { 3, 0x0f, 0x01, 0xf0 },       { 2, 0x0f, 0x06 },       { 2, 0x8e, 0xd8 },
    { 2, 0x8e, 0xd0 },             { 3, 0x0f, 0x22, 0xc0 },       { 3, 0x0f, 0x22, 0xd0 }, { 3, 0x0f, 0x22, 0xd8 },
    { 3, 0x0f, 0x22, 0xe0 },       { 4, 0x44, 0x0f, 0x22, 0xc0 }, { 3, 0x0f, 0x20, 0xc0 }, { 3, 0x0f, 0x20, 0xe0 },
    { 3, 0x0f, 0x21, 0xf0 },       { 3, 0x0f, 0x21, 0xf8 },       { 3, 0x0f, 0x23, 0xf8 }, { 3, 0x0f, 0x23, 0xf0 },
    { 3, 0x0f, 0x23, 0xc0 },       { 3, 0x0f, 0xae, 0x28 },       { 3, 0x0f, 0xae, 0x20 }, { 3, 0x0f, 0xae, 0x08 },
    { 3, 0x0f, 0xae, 0x10 },       { 3, 0x0f, 0xc7, 0x18 },       { 4, 0xf3, 0x0f, 0xc7, 0xf8 },
    { 5, 0x66, 0x0f, 0x38, 0x82 }, { 5, 0x66, 0x0f, 0x38, 0x80 }, { 3, 0x0f, 0x01, 0xef }, { 3, 0x0f, 0x01, 0xcb },
    { 1, 0xec },                   { 1, 0xed },                   { 1, 0xee },             { 1, 0xef },
    { 1, 0x6c },                   { 1, 0x6d },                   { 1, 0x6e },             { 1, 0x6f },
    { 2, 0xf3, 0x6c },             { 2, 0xf3, 0x6d },             { 2, 0xf3, 0x6e },       { 2, 0xf3, 0x6f },
    { 2, 0xf3, 0xa4 },             { 2, 0xf3, 0xa5 },             { 2, 0xf3, 0xaa },       { 2, 0xf3, 0xab },
    { 2, 0xf3, 0xa6 },             { 2, 0xf2, 0xae },             { 2, 0xff, 0x28 },       { 2, 0xff, 0x18 },
    { 3, 0x48, 0xff, 0x28 },       { 3, 0x0f, 0xb2, 0x20 },       { 4, 0xc8, 0x20, 0, 5 }, { 3, 0x0f, 0xc7, 0x08 },
    { 4, 0x48, 0x0f, 0xc7, 0x08 }, { 2, 0x48, 0xcb },             { 2, 0xcd, 0x20 },       { 2, 0x0f, 0x0b },
};

static void emit_privileged(void)
{
    const uint8_t *row = privileged[below(ARRAY_LENGTH(privileged))];
    if (below(3) != 0)
        emit_load(0, number());
    emit_load(1, below(2) ? msr() : number());
    if (below(3) == 0)
        emit_load(2, below(0x10000));
    if (below(2))
        emit_load(below(2) ? 6 : 7, address());
    emit_prefixes();
    emit(row + 1, row[0]);
}

// Any instruction with an operand in memory, at a device or at the edge of something.
static void emit_memory_form(void)
{
    uint64_t base = ONE_OF(0, 3, 6, 7);
    emit_load(base, address());
    emit_prefixes();
    switch (below(4)) {
    case 0: emit_byte(0x0f); break;
    case 1: emit((const uint8_t[]){ 0xc5, (uint8_t)random_next(&rng) }, 2); break;
    default: break;
    }
    emit_byte(random_next(&rng));
    emit_byte(base | (random_next(&rng) & 0x38));
    emit_random(below(3) * 2);
}

// PUSH selector; PUSH the next instruction but one; RETFQ
static void emit_far_return(void)
{
    uint64_t selector = below(2) ? ONE_OF(CODE16, CODE32, 8) : below(GDT_SLOTS) * 8 + below(8);
    emit((const uint8_t[]){ 0x68, (uint8_t)selector, (uint8_t)(selector >> 8), 0, 0 }, 5);
    emit((const uint8_t[]){ 0x48, 0x8d, 0x05, 3, 0, 0, 0, 0x50, 0x48, 0xcb }, 10);
    if (below(4) == 0) // MOV EAX, CR0; AND EAX, ~PG (and PE); MOV CR0, EAX
        emit((const uint8_t[]){ 0x0f, 0x20, 0xc0, 0x25, below(2) ? 0xfe : 0xff, 0xff, 0xff, 0x7f, 0x0f, 0x22, 0xc0 },
             11);
    emit_random(below(24));
}

static void make_code(void)
{
    length = 0;
    uint64_t kind = below(8);
    if (kind == 0)
        emit_far_return();
    for (uint64_t count = 1 + below(8); count != 0; count--) {
        if (kind <= 1)
            emit_random(below(24));
        else if (kind <= 3)
            emit_memory_form();
        else
            emit_privileged();
    }
    for (; length < CODE_BYTES - 1; length += 2) { // UD2
        code[length] = 0x0f;
        code[length + 1] = 0x0b;
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(registers); i++)
        registers[i] = number();
}

__attribute__((naked)) static void execute(uint64_t unused)
{
    (void)unused;
    __asm__("mov registers, %rax\n\tmov registers+8, %rbx\n\tmov registers+16, %rcx\n\tmov registers+24, %rdx\n\t"
            "mov registers+32, %rsi\n\tmov registers+40, %rdi\n\tmov registers+48, %rbp\n\tmov registers+56, %r8\n\t"
            "mov registers+64, %r9\n\tmov registers+72, %r10\n\tmov registers+80, %r11\n\tmov registers+88, %r12\n\t"
            "mov registers+96, %r13\n\tmov registers+104, %r14\n\tmov registers+112, %r15\n\tjmp code");
}

// --- what the code lies on -----------------------------------------------------------------------------------------

static void load_descriptors(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { sizeof(descriptors) - 1, (uint64_t)descriptors };
    for (unsigned i = 0; i < 5; i++)
        descriptors[i] = gdt[i];
    descriptors[CODE16 / 8] = 0x008f9b000000ffff;
    descriptors[CODE32 / 8] = 0x00cf9b000000ffff;
    __asm__ volatile("lgdt %0" : : "m"(pointer) : "memory");
}

static void mangle_descriptors(void)
{
    for (unsigned i = CODE32 / 8 + 1; i < GDT_SLOTS; i++)
        descriptors[i] = below(2) ? random_next(&rng) : 0x00009000000000ff | (random_next(&rng) & 0x00ff6fff00ffff00);
}

static uint64_t *mangled, original;

static void mangle_tables(void)
{
    uint64_t *table = below(4) ? page_dirs + 512 * below(4) : below(2) ? pdpt : pml4;
    mangled = table + (below(2) ? below(512) : below(4));
    original = *mangled;
    *mangled = below(2) ? original ^ (UINT64_C(1) << below(64)) : (number() & ~0xffull) | below(256);
    __asm__ volatile("invlpg (%0)" : : "r"(address()) : "memory");
}

static void mend_tables(void)
{
    if (mangled != NULL)
        *mangled = original;
    mangled = NULL;
}

struct controls {
    uint64_t cr0, cr3, cr4, efer;
};

static struct controls read_controls(void)
{
    struct controls c = { .efer = rdmsr(0xc0000080) };
    __asm__ volatile("mov %%cr0, %0\n\tmov %%cr3, %1\n\tmov %%cr4, %2" : "=r"(c.cr0), "=r"(c.cr3), "=r"(c.cr4));
    return c;
}

// As far as code that is still running can: what is beyond that ends the VM.
static void write_controls(uint64_t at)
{
    const struct controls *c = (const struct controls *)at;
    __asm__ volatile("mov %0, %%cr0\n\tmov %1, %%cr4\n\tmov %2, %%cr3\n\tmov %3, %%db7" : : "r"(c->cr0), "r"(c->cr4),
                     "r"(c->cr3), "r"(UINT64_C(0x400)) : "memory");
    wrmsr(0xc0000080, c->efer);
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%ss" : : "r"(0x10) : "memory");
}

// --- interrupts ----------------------------------------------------------------------------------------------------

static void take(struct trap *trap)
{
    if (below(4) != 0)
        lapic_write(APIC_EOI, 0);
    outb(0xa0, 0x20);
    outb(0x20, 0x20);
    if (below(2))
        trap->cpu->rflags &= ~0x200ul;
}

static void arm(uint64_t unused)
{
    (void)unused;
    lapic_x2apic = rdmsr(MSR_APIC_BASE) >> 10 & 1;
    for (uint64_t count = below(6); count != 0; count--)
        lapic_write((uint32_t)ONE_OF(APIC_LVTT, APIC_LINT0, 0x360, 0x370, 0x340, APIC_TDCR, APIC_TPR, APIC_SVR,
                                     APIC_ICR, 0xd0),
                    (uint32_t)number());
    if (below(2)) {
        lapic_write(APIC_SVR, 0x1ff);
        lapic_write(APIC_LVTT, (uint32_t)(below(256) | (below(4) << 17)));
        lapic_write(APIC_TMICT, (uint32_t)(1 + below(20000)));
        if (below(2))
            wrmsr(MSR_DEADLINE, rdtsc() + below(20000));
    }
    if (below(3) == 0)
        pit_start((unsigned)below(3), (unsigned)below(6), (uint32_t)below(0x10000));
    if (below(4) == 0)
        lapic_write(APIC_ICR, (uint32_t)(below(256) | below(8) << 8 | below(4) << 18 | below(4) << 14));
    interrupts_on();
}

void test_main(void)
{
    uint64_t seed = cmdline_number("seed", 1), rounds = cmdline_number("rounds", 300), ended = 0;
    seed_dice(seed);
    struct controls controls = read_controls();
    plan(1);
    load_descriptors();
    mangle_descriptors();
    for (unsigned vector = 32; vector < 256; vector++)
        trap_set(vector, take);
    for (unsigned vector = 0; vector < 256; vector++)
        trap_set_stack(vector, 2); // a lost stack is not yet the end
    for (uint64_t round = 0; round < rounds; round++) {
        make_code();
        if (below(4) == 0)
            catch_trap(arm, 0);
        if (below(8) == 0)
            mangle_tables();
        ended += catch_trap(execute, 0).vector;
        interrupts_off();
        mend_tables();
        load_descriptors();
        catch_trap(write_controls, (uint64_t)&controls);
    }
    ok(true, "%lu rounds with seed %lu, vectors %lu", rounds, seed, ended);
}
