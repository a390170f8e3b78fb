// SPDX-License-Identifier: MIT
// System registers: does each encoding give a value or an undefined instruction, and nothing else? Do the ID registers
// announce what is there, and hide what is undefined? Self-hosted debug at EL1; and what EL0, AArch64 and AArch32, may
// read of the timers, as CNTKCTL_EL1 says, and of a device in either order of bytes.
#include "guest-tests/lib/guest.h"

#define SPSR_EL0     0x3c0ull // all masked
#define SPSR_A32     0x1d0ull
#define SPSR_T32     0x1f0ull
#define SCTLR_E0E    (1u << 24)
#define SCTLR_SPAN   (1u << 23)
#define SPSR_PAN     (1u << 22)
#define ISS_CM       (1u << 8)
#define NOWHERE      0x3f000000u // below the board's memory
#define TCR_HIGH_MASK    UINT64_C(0xffff0000) // T1SZ to TG1
#define TCR_HIGH_39_BITS (UINT64_C(25) << 16 | UINT64_C(2) << 30)
#define UART_ID0     0xfe0u
#define CLASS_SYSREG 0x18u
#define CLASS_CP15   0x03u
#define CLASS_CP15D  0x04u
#define CLASS_SVC32  0x11u
#define CLASS_SVC64  0x15u
#define CLASS_BREAK  0x31u
#define CLASS_STEP   0x33u
#define CLASS_WATCH  0x35u
#define ALL_ENABLED  (3u << 24 | 3u << 20 | 3u << 16) // CPACR_EL1: SME, FP, SVE do not trap to EL1
#define DEBUG_ON     (1u << 13 | 1u << 15) // MDSCR_EL1: KDE, MDE
#define STEP_ON      (1u << 13 | 1u << 0)  // KDE, SS

__asm__(".pushsection .text\n"
        // One instruction, written by the test; X0 in and out, X1 for more.
        ".globl instruction_slot\n"
        "instruction_slot:\n"
        " nop\n ret\n"
        // enter(&{ PC, SPSR, X0, X1 })
        ".globl enter\n"
        "enter:\n"
        " ldp x2, x3, [x0]\n msr elr_el1, x2\n msr spsr_el1, x3\n ldp x0, x1, [x0, #16]\n mov x2, #0\n mov x3, #0\n"
        " eret\n"
        // At EL0: X1 is where the results go.
        ".globl user_counter, user_timer, user_load, user_counter32, user_timer32, user_block, stepped\n"
        ".globl user_undefined32, user_debug32\n"
        ".globl break_here\n"
        "user_counter:\n"
        " mrs x2, cntpct_el0\n mrs x3, cntvct_el0\n stp x2, x3, [x1]\n svc #0\n"
        "user_timer:\n"
        " msr cntp_cval_el0, x0\n mrs x2, cntp_cval_el0\n mrs x3, cntp_ctl_el0\n stp x2, x3, [x1]\n svc #0\n"
        "user_load:\n"
        " ldr w2, [x0]\n ldrh w3, [x0]\n stp x2, x3, [x1]\n svc #0\n"
        "user_counter32:\n" // MRRC p15, 0, r2, r3, c14; MRRC p15, 1, r4, r5, c14; STM r1, {r2-r5}; SVC
        " .inst 0xec532f0e, 0xec554f1e, 0xe881003c, 0xef000000\n"
        "user_timer32:\n" // MCRR p15, 2, r0, r0, c14; MRRC p15, 2, r2, r3, c14; MRC p15, 0, r4, c14, c2, 1; the rest
        " .inst 0xec400f2e, 0xec532f2e, 0xee1e4f32, 0xe3a05000, 0xe881003c, 0xef000000\n"
        // T32: CMP r0, r0; ITE EQ; MRRCEQ r2, r3; MOVNE r3, #7; MOVS r4, #9; MOVS r5, #0; STM r1!, {r2-r5}; SVC
        "user_block:\n"
        " .hword 0x4280, 0xbf0c, 0xec53, 0x2f0e, 0x2307, 0x2409, 0x2500, 0xc13c, 0xdf00\n"
        " .balign 4\n"
        "user_undefined32:\n" // UDF
        " .inst 0xe7f000f0\n"
        "user_debug32:\n"     // MRC p14, 0, r0, c0, c0, 0: DBGDIDR
        " .inst 0xee100e10\n"
        "stepped:\n"
        " add x0, x0, #1\n mrs x2, id_aa64pfr0_el1\n mrs x2, cntpct_el0\n add x0, x0, #1\n ret\n"
        "break_here:\n"
        " add x0, x0, #1\n add x0, x0, #1\n ret\n"
        ".popsection\n");
extern uint32_t instruction_slot[];
void enter(uint64_t frame);
extern const char user_counter[], user_timer[], user_load[], user_counter32[], user_timer32[], user_block[], stepped[],
    user_undefined32[], user_debug32[], break_here[];

static volatile uint64_t results[4];

// --- every encoding -------------------------------------------------------------------------------------------------

static void run_slot(uint64_t value)
{
    register uint64_t x0 __asm__("x0") = value;
    __asm__ volatile("blr %1" : "+r"(x0) : "r"(instruction_slot) : "x1", "x30", "memory");
    results[0] = x0;
}

static struct caught run_instruction(uint32_t instruction, uint64_t value)
{
    *(volatile uint32_t *)instruction_slot = instruction;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" : : "r"(instruction_slot) : "memory");
    return catch_trap(run_slot, value);
}

// op0 2 or 3, op1, CRn, CRm, op2 in the bits that the instruction has them in.
#define ENCODING(op0, op1, crn, crm, op2)                                                                   \
    ((uint32_t)(op0) << 19 | (uint32_t)(op1) << 16 | (uint32_t)(crn) << 12 | (uint32_t)(crm) << 8 | \
     (uint32_t)(op2) << 5)
#define MRS_X0 0xd5200000u
#define MSR_X0 0xd5000000u

static uint64_t field(uint64_t id, unsigned shift)
{
    return id >> shift & 15;
}

static unsigned read_class(uint32_t encoding)
{
    return run_instruction(MRS_X0 | encoding, 0).class;
}

// FEAT_IDST: what is undefined in the space of the ID registers, op0 3, op1 0, 1, 3, CRn 0, CRm 0 to 7, is told as an
// access.
static bool is_undefined(struct caught caught, uint32_t encoding)
{
    uint64_t op1 = encoding >> 16 & 7;
    bool id_space = (encoding >> 19 & 3) == 3 && op1 != 2 && op1 < 4 && (encoding >> 11 & 0x1f) == 0;
    bool told = field(read_sysreg(S3_0_C0_C7_2), 36) != 0;
    return caught.class == (id_space && told ? CLASS_SYSREG : CLASS_UNKNOWN);
}

static void every_encoding(void)
{
    unsigned values = 0, undefined = 0, other = 0;
    for (uint32_t i = 0; i < 1u << 15; i++) {
        uint32_t encoding = 1u << 20 | i << 5;
        struct caught caught = run_instruction(MRS_X0 | encoding, 0);
        if (caught.class == CLASS_NONE)
            values++;
        else if (is_undefined(caught, encoding))
            undefined++;
        else if (other++ == 0)
            diag("MRS 0x%lx gives the exception 0x%lx", (uint64_t)encoding, caught.esr);
    }
    ok(other == 0, "of 32768 system registers %u have a value, %u are undefined, %u are something else", values,
       undefined, other);
    unsigned id_missing = 0, id_written = 0;
    for (uint32_t crm = 1; crm < 8; crm++)
        for (uint32_t op2 = 0; op2 < 8; op2++) {
            id_missing += read_class(ENCODING(3, 0, 0, crm, op2)) != CLASS_NONE;
            id_written += run_instruction(MSR_X0 | ENCODING(3, 0, 0, crm, op2), 0).class != CLASS_UNKNOWN;
        }
    ok(id_missing == 0, "all 56 places of ID registers can be read (%u cannot)", id_missing);
    ok(id_written == 0, "and none written (%u can)", id_written);
}

// --- what is announced ----------------------------------------------------------------------------------------------

// A feature that must be hidden, its field, and a register of it that then is undefined.
struct hidden {
    const char *name;
    uint32_t    id;
    unsigned    shift;
    uint32_t    encoding;
};
static const struct hidden hidden[] = {
    { "SPE", ENCODING(3, 0, 0, 5, 0), 32, ENCODING(3, 0, 9, 9, 0) },     // PMSCR_EL1
    { "trace", ENCODING(3, 0, 0, 5, 0), 4, ENCODING(2, 1, 0, 0, 1) },    // TRCTRACEIDR
    { "trace filter", ENCODING(3, 0, 0, 5, 0), 40, ENCODING(3, 0, 1, 2, 1) }, // TRFCR_EL1
    { "SVE", ENCODING(3, 0, 0, 4, 0), 32, ENCODING(3, 0, 1, 2, 0) },     // ZCR_EL1
    { "RAS", ENCODING(3, 0, 0, 4, 0), 28, ENCODING(3, 0, 5, 3, 0) },     // ERRIDR_EL1
    { "AMU", ENCODING(3, 0, 0, 4, 0), 44, ENCODING(3, 3, 13, 2, 0) },    // AMCR_EL0
    { "EL2", ENCODING(3, 0, 0, 4, 0), 8, ENCODING(3, 4, 1, 1, 0) },      // HCR_EL2
    { "EL3", ENCODING(3, 0, 0, 4, 0), 12, ENCODING(3, 6, 1, 1, 0) },     // SCR_EL3
    { "MTE", ENCODING(3, 0, 0, 4, 1), 8, ENCODING(3, 0, 1, 0, 6) },      // GCR_EL1
    { "SME", ENCODING(3, 0, 0, 4, 1), 24, ENCODING(3, 0, 1, 2, 6) },     // SMCR_EL1
    { "LORegions", ENCODING(3, 0, 0, 7, 1), 16, ENCODING(3, 0, 10, 4, 3) }, // LORC_EL1
    { "VHE", ENCODING(3, 0, 0, 7, 1), 8, ENCODING(3, 5, 1, 0, 0) },      // SCTLR_EL12
    { "ECV", ENCODING(3, 0, 0, 7, 0), 60, ENCODING(3, 4, 14, 0, 6) },    // CNTPOFF_EL2
};

static void announced(void)
{
    unsigned told = 0, reached = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(hidden); i++) {
        run_instruction(MRS_X0 | hidden[i].id, 0);
        bool is_told = field(results[0], hidden[i].shift) != 0;
        unsigned class = read_class(hidden[i].encoding);
        if (is_told || class != CLASS_UNKNOWN)
            diag("%s: announced %u, class of a register of it 0x%x", hidden[i].name, is_told, class);
        told += is_told;
        reached += class != CLASS_UNKNOWN;
    }
    if (platform.escapement) {
        ok(told == 0, "none of %lu features is announced that the monitor does not keep", ARRAY_LENGTH(hidden));
        ok(reached == 0, "and their registers are undefined");
    } else {
        skip("not Escapement", "none of %lu features is announced", ARRAY_LENGTH(hidden));
        skip("not Escapement", "and their registers are undefined");
    }
}

// --- self-hosted debug at EL1 ---------------------------------------------------------------------------------------

static uint64_t call_counting(const char *code)
{
    register uint64_t x0 __asm__("x0") = 0;
    __asm__ volatile("msr daifclr, #8\n\tblr %1\n\tmsr daifset, #8" : "+r"(x0) : "r"(code) : "x2", "x30", "memory");
    return x0;
}

static void call_break(uint64_t unused)
{
    (void)unused;
    results[0] = call_counting(break_here);
}

static void store_watched(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("msr daifclr, #8" : : : "memory");
    results[2] = 5;
    __asm__ volatile("msr daifset, #8" : : : "memory");
}

// Steps from `code` on, as long as each step ends four bytes further on. Returns how many did.
static unsigned steps_from(const char *code)
{
    uint64_t frame[4] = { (uint64_t)code, 5 | 7 << 6 | 1 << 21, 0, 0 }; // EL1h, D clear, SS
    unsigned steps = 0;
    for (; steps < 4; steps++, frame[0] += 4) {
        write_sysreg(mdscr_el1, STEP_ON);
        struct caught caught = catch_trap(enter, (uint64_t)frame);
        if (caught.class != CLASS_STEP || caught.pc != frame[0] + 4)
            break;
    }
    write_sysreg(mdscr_el1, 0);
    return steps;
}

static void debug(void)
{
    write_sysreg(osdlr_el1, 0);
    write_sysreg(oslar_el1, 0);
    unsigned steps = steps_from(stepped);
    ok(steps == 4, "single steps end behind each instruction, emulated ones too (%u of 4)", steps);

    uint64_t dfr0 = read_sysreg(id_aa64dfr0_el1);
    unsigned there = 0;
    for (uint32_t n = 0; n < 16; n++) {
        there += read_class(ENCODING(2, 0, 0, n, 5)) == CLASS_NONE;
        there += read_class(ENCODING(2, 0, 0, n, 7)) == CLASS_NONE;
    }
    ok(there == field(dfr0, 12) + 1 + field(dfr0, 20) + 1, "as many breakpoints and watchpoints as announced: %u",
       there);

    write_sysreg(dbgbvr0_el1, (uint64_t)break_here + 4);
    write_sysreg(dbgbcr0_el1, 0xf << 5 | 1 << 1 | 1);
    write_sysreg(mdscr_el1, DEBUG_ON);
    struct caught caught = catch_trap(call_break, 0);
    ok(caught.class == CLASS_BREAK && caught.pc == (uint64_t)break_here + 4, "a breakpoint: class 0x%x", caught.class);
    write_sysreg(mdscr_el1, 0);
    caught = catch_trap(call_break, 0);
    ok(caught.class == CLASS_NONE && results[0] == 2, "not with MDSCR_EL1.MDE clear: class 0x%x", caught.class);
    write_sysreg(dbgbcr0_el1, 0);

    write_sysreg(dbgwvr0_el1, (uint64_t)&results[2]);
    write_sysreg(dbgwcr0_el1, 0xff << 5 | 3 << 3 | 1 << 1 | 1);
    write_sysreg(mdscr_el1, DEBUG_ON);
    results[2] = 0;
    caught = catch_trap(store_watched, 0);
    ok(caught.class == CLASS_WATCH && caught.far == (uint64_t)&results[2], "a watchpoint: class 0x%x", caught.class);
    write_sysreg(mdscr_el1, 0);
    write_sysreg(dbgwcr0_el1, 0);
    __asm__ volatile("msr daifset, #8" : : : "memory");
}

// --- EL0 ------------------------------------------------------------------------------------------------------------

static struct caught run_user(const char *code, uint64_t spsr, uint64_t x0)
{
    uint64_t frame[4] = { mmu_user_address(code), spsr, x0, mmu_user_address(results) };
    for (unsigned i = 0; i < ARRAY_LENGTH(results); i++)
        results[i] = 0;
    return catch_trap(enter, (uint64_t)frame);
}

// Both counters of `results`, of this very moment.
static bool counters_are_now(uint64_t before)
{
    uint64_t after = counter_read();
    return before <= results[0] && results[0] <= results[1] && results[1] <= after;
}

static void applications(uint64_t allow)
{
    write_sysreg(cntkctl_el1, allow);
    uint64_t before = counter_read();
    struct caught counter = run_user(user_counter, SPSR_EL0, 0);
    bool now = counters_are_now(before);
    struct caught timer = run_user(user_timer, SPSR_EL0, 0x123456789abcdef0);
    if (allow) {
        ok(counter.class == CLASS_SVC64 && now, "EL0 reads CNTPCT and CNTVCT: class 0x%x", counter.class);
        ok(timer.class == CLASS_SVC64 && results[0] == 0x123456789abcdef0, "EL0 has CNTP: class 0x%x", timer.class);
    } else {
        ok(counter.class == CLASS_SYSREG, "EL0 may not read CNTPCT: EL1 gets class 0x%x", counter.class);
        ok(timer.class == CLASS_SYSREG, "nor write CNTP_CVAL: class 0x%x", timer.class);
    }
}

static void applications32(uint64_t allow)
{
    if (field(read_sysreg(id_aa64pfr0_el1), 0) != 2) {
        for (unsigned i = 0; i < (allow ? 3 : 2); i++)
            skip("no AArch32 at EL0", "AArch32 and the timers");
        return;
    }
    write_sysreg(cntkctl_el1, allow);
    uint64_t before = counter_read();
    struct caught counter = run_user(user_counter32, SPSR_A32, 0);
    bool now = counters_are_now(before);
    struct caught timer = run_user(user_timer32, SPSR_A32, 0x9abcdef0);
    if (!allow) {
        ok(counter.class == CLASS_CP15D, "AArch32 may not read CNTPCT: EL1 gets class 0x%x", counter.class);
        ok(timer.class == CLASS_CP15D, "nor write CNTP_CVAL: class 0x%x", timer.class);
        return;
    }
    ok(counter.class == CLASS_SVC32 && now, "AArch32 reads CNTPCT and CNTVCT: class 0x%x", counter.class);
    ok(timer.class == CLASS_SVC32 && results[0] == 0x9abcdef09abcdef0, "AArch32 has CNTP: class 0x%x", timer.class);
    before = counter_read();
    struct caught block = run_user(user_block, SPSR_T32, 0);
    ok(block.class == CLASS_SVC32 && results[0] >= before && results[0] <= counter_read() && results[1] == 9,
       "in an IT block of T32, which goes on behind it: class 0x%x", block.class);
}

// With SCTLR_EL1.SPAN set an exception leaves PSTATE.PAN as it was: the CPU's own, and one that the monitor gives.
static void kept_pan(void)
{
    if (field(read_sysreg(id_aa64pfr0_el1), 0) != 2 || field(read_sysreg(id_aa64mmfr1_el1), 20) == 0) {
        skip("no AArch32 at EL0, or no PAN", "PAN after an exception from AArch32");
        return;
    }
    uint64_t sctlr = read_sysreg(sctlr_el1);
    write_sysreg(sctlr_el1, sctlr | SCTLR_SPAN);
    catch_pan = true;
    struct caught own = run_user(user_undefined32, SPSR_A32 | SPSR_PAN, 0);
    struct caught given = run_user(user_debug32, SPSR_A32 | SPSR_PAN, 0);
    struct caught clear = run_user(user_debug32, SPSR_A32, 0);
    catch_pan = false;
    write_sysreg(sctlr_el1, sctlr);
    ok(own.pan == SPSR_PAN && given.pan == SPSR_PAN && clear.pan == 0,
       "an exception from AArch32 keeps PAN: the CPU's 0x%lx, the monitor's 0x%lx, without it 0x%lx", own.pan,
       given.pan, clear.pan);
}

static void translate_high(uint64_t address)
{
    __asm__ volatile("at s1e1r, %0" : : "r"(address) : "memory");
}

// The walk of an address translation goes to where nothing is. DFSC: an external abort on a walk, of some level.
static void walk_to_nothing(void)
{
    uint64_t tcr = read_sysreg(tcr_el1), ttbr1 = read_sysreg(ttbr1_el1);
    write_sysreg(ttbr1_el1, NOWHERE);
    write_sysreg(tcr_el1, (tcr & ~TCR_HIGH_MASK) | TCR_HIGH_39_BITS);
    struct caught caught = catch_trap(translate_high, UINT64_MAX << 39 | 0x123000);
    write_sysreg(tcr_el1, tcr);
    write_sysreg(ttbr1_el1, ttbr1);
    ok(caught.class == CLASS_DATA_ABORT && (caught.esr & ISS_CM) != 0 && (caught.esr & 0x3c) == 0x14,
       "AT whose walk ends nowhere is an external abort of a translation: ESR 0x%lx", caught.esr);
}

// PL011's UARTPeriphID0 is 0x11. The results are stored in the same order as the register is read.
static void byte_order(void)
{
    uint64_t sctlr = read_sysreg(sctlr_el1), id = mmu_user_device(board.uart) + UART_ID0;
    struct caught caught = run_user(user_load, SPSR_EL0, id);
    ok(caught.class == CLASS_SVC64 && results[0] == 0x11 && results[1] == 0x11, "EL0 reads a device: class 0x%x, 0x%lx",
       caught.class, results[0]);
    if ((field(read_sysreg(id_aa64mmfr0_el1), 8) | field(read_sysreg(id_aa64mmfr0_el1), 16)) == 0) {
        skip("EL0 is little-endian always", "and with its data big-endian");
        return;
    }
    write_sysreg(sctlr_el1, sctlr | SCTLR_E0E);
    caught = run_user(user_load, SPSR_EL0, id);
    write_sysreg(sctlr_el1, sctlr);
    uint64_t word = __builtin_bswap64(results[0]), half = __builtin_bswap64(results[1]);
    ok(caught.class == CLASS_SVC64 && word == 0x11000000 && half == 0x1100,
       "and with its data big-endian: class 0x%x, 0x%lx, 0x%lx", caught.class, word, half);
}

void test_main(void)
{
    plan(23);
    write_sysreg(cpacr_el1, ALL_ENABLED);
    every_encoding();
    announced();
    debug();
    mmu_map_user();
    applications(0);
    applications(0x303);
    applications32(0);
    applications32(0x303);
    kept_pan();
    walk_to_nothing();
    byte_order();
    write_sysreg(cntkctl_el1, 0);
    finish();
}
