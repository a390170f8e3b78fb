// SPDX-License-Identifier: MIT
// A guest that means harm: random words as instructions, random system registers and system instructions, every form of
// load and store at devices and at the edges of memory, with random registers, through translation tables that it has
// mangled, among interrupts of its own making. What becomes of it is nobody's claim here: it may die at once. That the
// monitor lives, and that the VM after it sees nothing of it, is (tools/hostile). seed=N chooses all that it does,
// rounds=N how often.
#include "guest-tests/hostile.h"
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/gic.h"

#define CODE_WORDS 128u
#define ENTRIES    512u

uint32_t hostile_code[CODE_WORDS] __attribute__((aligned(4096)));
uint64_t hostile_registers[30]; // X0 to X29, as the code gets them
static uint8_t scratch[8192] __attribute__((aligned(4096)));
static unsigned length; // of the code
// One guest in eight also touches what its own vectors and tables hang on: after that it mostly does nothing but fault.
static bool desperate;

// --- numbers that matter to somebody -------------------------------------------------------------------------------

static uint64_t address(void)
{
    uint64_t device = ONE_OF(board.gicd, gic_bank(0), board.gic_version == 3 ? board.gicr : board.gicc, board.uart,
                             board.rtc, 0, 0x10000000);
    switch (below(6)) {
    case 0: return (uint64_t)scratch + below(sizeof(scratch));
    case 1: return board.memory + below(board.memory_size);
    case 2: return board.memory + board.memory_size - 8 + below(16);
    case 3: return ONE_OF(0x7ffffffff8, 0xfffffffffffffff8, 1ull << 47, 0xfff8, UINT64_MAX, 0x4010000000);
    default: return device + below(0x1000);
    }
}

static uint64_t number(void)
{
    switch (below(5)) {
    case 0: return address();
    case 1: return counter_read() + below(20000);
    case 2: return random_next(&rng) >> below(64);
    case 3: return UINT64_C(1) << below(64);
    default:
        return ONE_OF(0, 1, 0xff, 0xffff, INT32_MAX, 0x80000000, UINT32_MAX, INT64_MAX, 1ull << 63, UINT64_MAX,
                      0x84000000, 0x84000001, 0xc4000003, 0x80000000, 0x86000000, 0x86000001, 0xc5000020, 0xc5000021,
                      0x30d00800, 0x30d0180d);
    }
}

// --- the code ------------------------------------------------------------------------------------------------------

static void emit(uint64_t word)
{
    if (length < CODE_WORDS - 1)
        hostile_code[length++] = (uint32_t)word;
}

// MSR or MRS (bit 21) of any op0 to op2, a SYS instruction among them, or of a register that the monitor knows of.
static void emit_system(void)
{
    static const uint32_t known[] = {
        0xd518d000, 0xd51be020, 0xd51be040, 0xd51be200, 0xd51be220, 0xd51be240, 0xd51be300, 0xd51be320, 0xd51be340,
        0xd518cc80, 0xd518cca0, 0xd518cc60, 0xd518cce0, 0xd518ccc0, 0xd5184600, 0xd518cb20, 0xd518cba0, 0xd518cbc0,
        0xd5100240, 0xd5100440, 0xd5101000, 0xd51b9c00, 0xd51b9d00, 0xd51b9ce0, 0xd5181000, 0xd5182000, 0xd5182040,
        0xd518a200, 0xd518c000, 0xd518c120, 0xd5184000, 0xd5184100, 0xd5181040, 0xd53c1100, 0xd5087800, 0xd5087840,
        0xd50b7e20, 0xd5087641, 0xd508871f, 0xd50883df, 0xd5384240, 0xd518d040, 0xd51bd0a0, 0xd5181020,
    };
    uint64_t reg = below(32), word = known[below(ARRAY_LENGTH(known))];
    if (below(2))
        word = 0xd5000000 | (below(4) ? 2 + below(2) : 1) << 19 | below(0x4000) << 5;
    uint64_t name = word >> 8 & 0xfff; // op0's low bit, op1, CRn: SCTLR, TCR, TTBR, VBAR
    if (!desperate && (name == 0x810 || name == 0x820 || name == 0x8c0 || name == 0x8a2))
        return;
    emit((word & ~UINT64_C(31)) | (below(2) ? UINT64_C(1) << 21 : 0) | reg);
    if (below(3) == 0)
        emit(0xd5033fdf); // ISB
}

static void emit_call(void)
{
    emit(ONE_OF(0xd4000002, 0xd4000003, 0xd4000001, 0xd4200000, 0xd4400000, 0xd69f03e0, 0xd6bf03e0, 0xd503207f,
                0xd503205f, 0xd503209f, 0xd4400000, 0xd4a00001, 0xd50342ff, 0xd50342df, 0xd50040bf, 0xd500419f) |
         (below(4) ? 0 : below(0x800) << 5));
}

// Loads and stores lie where bits 27 and 25 are 1 and 0 (DDI 0487, C4.1).
static void emit_memory_form(void)
{
    uint64_t word = (random_next(&rng) & 0xf5ffffff) | 0x08000000;
    if (below(4) == 0)
        word = ONE_OF(0xb9000000, 0xb9400000, 0xf9000000, 0xf9400000, 0x39000000, 0x79400000, 0xa9000000, 0xa9400000,
                      0xb8404400, 0x38401c00, 0x3d800000, 0x4c007000, 0xc85f7c00, 0xc8007c00, 0xf8200000, 0x48207c00) |
               below(32) << 5 | below(32);
    emit(word);
}

static void make_code(void)
{
    length = 0;
    uint64_t kind = below(8);
    for (uint64_t count = 1 + below(12); count != 0; count--) {
        if (kind == 0)
            emit(random_next(&rng));
        else if (kind <= 3)
            emit_memory_form();
        else if (kind == 4)
            emit_call();
        else
            emit_system();
    }
    for (; length < CODE_WORDS; length++)
        hostile_code[length] = 0; // UDF
    for (unsigned i = 0; i < ARRAY_LENGTH(hostile_registers); i++)
        hostile_registers[i] = number();
    for (uint64_t at = (uint64_t)hostile_code; at < (uint64_t)(hostile_code + CODE_WORDS); at += 16)
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" : : "r"(at) : "memory");
    __asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

static void execute(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("adrp x30, hostile_registers\n\tadd x30, x30, :lo12:hostile_registers\n\t"
                     "ldp x0, x1, [x30]\n\tldp x2, x3, [x30, #16]\n\tldp x4, x5, [x30, #32]\n\t"
                     "ldp x6, x7, [x30, #48]\n\t"
                     "ldp x8, x9, [x30, #64]\n\tldp x10, x11, [x30, #80]\n\tldp x12, x13, [x30, #96]\n\t"
                     "ldp x14, x15, [x30, #112]\n\tldp x16, x17, [x30, #128]\n\tldp x18, x19, [x30, #144]\n\t"
                     "ldp x20, x21, [x30, #160]\n\tldp x22, x23, [x30, #176]\n\tldp x24, x25, [x30, #192]\n\t"
                     "ldp x26, x27, [x30, #208]\n\tldp x28, x29, [x30, #224]\n\tb hostile_code"
                     :
                     :
                     : "memory");
    __builtin_unreachable();
}

// --- what the code lies on -----------------------------------------------------------------------------------------

struct controls {
    uint64_t sctlr, tcr, ttbr0, mair, vbar, cpacr, mdscr;
};

static struct controls read_controls(void)
{
    return (struct controls){ read_sysreg(sctlr_el1), read_sysreg(tcr_el1),  read_sysreg(ttbr0_el1),
                              read_sysreg(mair_el1),  read_sysreg(vbar_el1), read_sysreg(cpacr_el1),
                              read_sysreg(mdscr_el1) };
}

// As far as code that is still running can: what is beyond that ends the VM.
static void write_controls(const struct controls *c)
{
    write_sysreg(vbar_el1, c->vbar);
    write_sysreg(mdscr_el1, c->mdscr);
    write_sysreg(mair_el1, c->mair);
    write_sysreg(tcr_el1, c->tcr);
    write_sysreg(ttbr0_el1, c->ttbr0);
    write_sysreg(sctlr_el1, c->sctlr);
    write_sysreg(cpacr_el1, c->cpacr);
    __asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb\n\tmsr spsel, #1" : : : "memory");
}

static uint64_t *mangled, original;

static void mangle_tables(const struct controls *c)
{
    mangled = (uint64_t *)(c->ttbr0 & 0xfffffffff000) + (below(2) ? below(ENTRIES) : below(4));
    original = *mangled;
    *mangled = below(2) ? original ^ (UINT64_C(1) << below(64)) : (number() & ~0xfffull) | below(0x1000);
    __asm__ volatile("dsb sy\n\ttlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
}

static void mend_tables(void)
{
    if (mangled != NULL)
        *mangled = original;
    mangled = NULL;
}

// --- interrupts ----------------------------------------------------------------------------------------------------

static void take(struct trap *trap)
{
    if (below(2))
        trap->spsr |= 0x80; // I
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
}

static void arm(uint64_t unused)
{
    (void)unused;
    unsigned intid = (unsigned)below(64);
    gic_enable(intid, true);
    gic_set_pending(intid, below(2));
    gic_priority(intid, (unsigned)below(256));
    gic_set_active(intid, below(4) == 0);
    if (below(2)) {
        write_sysreg(cntv_cval_el0, counter_read() + below(3000));
        write_sysreg(cntv_ctl_el0, 1);
        gic_enable(27, true);
    }
    if (below(2)) {
        write_sysreg(cntp_tval_el0, below(3000));
        write_sysreg(cntp_ctl_el0, 1);
        gic_enable(30, true);
    }
    if (below(4) == 0)
        write32(address() & ~3ull, (uint32_t)number());
    interrupts_on();
}

void test_main(void)
{
    uint64_t seed = cmdline_number("seed", 1), rounds = cmdline_number("rounds", 300), ended = 0;
    seed_dice(seed);
    desperate = seed % 8 == 0;
    plan(1);
    mmu_on();
    for (unsigned intid = 0; intid < 256; intid++)
        trap_set(intid, take);
    struct controls controls = read_controls();
    for (uint64_t round = 0; round < rounds; round++) {
        make_code();
        if (below(4) == 0)
            catch_trap(arm, 0);
        if (desperate && below(8) == 0)
            mangle_tables(&controls);
        ended += catch_trap(execute, 0).class;
        interrupts_off();
        mend_tables();
        write_controls(&controls);
    }
    ok(true, "%lu rounds with seed %lu, classes %lu", rounds, seed, ended);
}
