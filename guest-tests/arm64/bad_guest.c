// SPDX-License-Identifier: MIT
// One piece of nonsense a run, named by a word of the command line. The guest gets what hardware would give it, or the
// VM is ended with a record; the monitor goes on. tests-arm64.cfg says which of the two is expected (33: survived, 2:
// ended).
#include "guest-tests/lib/exact.h"
#include "guest-tests/lib/arm64/gic.h"

#define NOBODY 0x3f000000u // guest-physical: no device, no memory

// An instruction and a return, written at run time. Each is fetched anew (DDI 0487, B2.4.4).
static uint32_t code[16] __attribute__((aligned(64)));

static void assemble(uint32_t first, uint32_t second)
{
    code[0] = first;
    code[1] = second;
    code[2] = 0xd65f03c0; // ret
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" : : "r"(code) : "memory");
}

static void run_code(uint64_t x0)
{
    ((void (*)(uint64_t))(uint64_t)code)(x0);
}

static bool still_exact(void)
{
    uint64_t target = counter_read() + 10000;
    return wait_until(target) == target || !platform.counted;
}

// MRS and MSR (register) are 1101010100 L 1 o0 op1 CRn CRm op2 Rt; SYS has op0 = 1.
static uint32_t register_of(unsigned op0, unsigned index)
{
    return op0 << 19 | index << 5; // op1, CRn, CRm, op2 are the 14 bits of the index
}

#define INDEX(op1, crn, crm, op2) ((op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

// What the kernel itself stands on; bad_translation() is for those.
static bool vital(unsigned op0, unsigned index)
{
    static const unsigned registers[] = {
        INDEX(0, 1, 0, 0),  // SCTLR_EL1
        INDEX(0, 2, 0, 0),  // TTBR0_EL1
        INDEX(0, 2, 0, 2),  // TCR_EL1
        INDEX(0, 4, 2, 0),  // SPSel
        INDEX(0, 10, 2, 0), // MAIR_EL1
        INDEX(0, 12, 0, 0), // VBAR_EL1
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(registers); i++)
        if (op0 == 3 && index == registers[i])
            return true;
    return false;
}

static uint64_t saved;

static void read_register(uint64_t unused)
{
    (void)unused;
    saved = ((uint64_t(*)(void))(uint64_t)code)();
}

struct tally {
    unsigned done, undefined, other, first_other;
};

static void count(struct tally *tally, unsigned class, uint32_t instruction)
{
    tally->done += class == CLASS_NONE;
    tally->undefined += class == CLASS_UNKNOWN;
    if (class != CLASS_NONE && class != CLASS_UNKNOWN && tally->other++ == 0)
        tally->first_other = instruction;
}

// Writes every register that has an encoding, with nothing, all ones and noise; each gets back what it had.
static void bad_register_writes(void)
{
    struct random random = { 3 };
    struct tally tally = { 0 };
    plan(3);
    for (unsigned op0 = 2; op0 < 4; op0++) {
        for (unsigned index = 0; index < 1u << 14; index++) {
            const uint64_t values[] = { 0, UINT64_MAX, random_next(&random) };
            uint32_t write = 0xd5100000 | register_of(op0 & 1, index);
            if (vital(op0, index))
                continue;
            assemble(write | 1u << 21, 0xd503201f);
            bool readable = catch_trap(read_register, 0).class == CLASS_NONE;
            uint64_t before = saved;
            for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
                assemble(write, 0xd5033fdf); // isb
                count(&tally, catch_trap(run_code, values[i]).class, write);
            }
            assemble(write, 0xd5033fdf);
            if (readable)
                catch_trap(run_code, before);
        }
    }
    interrupts_off();
    diag("%u writes done, %u undefined, %u something else (0x%x)", tally.done, tally.undefined, tally.other,
         tally.first_other);
    ok(tally.done > 100 && tally.undefined > 10000, "every system register written with nonsense");
    ok(tally.done + tally.undefined + tally.other == 3 * (2 * (1u << 14) - 6), "each write was done or faulted");
    ok(still_exact(), "the guest goes on, and its counter counts");
}

// Cache, TLB and address translation by every encoding of SYS, those by set and way among them.
static void bad_maintenance(void)
{
    static uint8_t scratch[4096] __attribute__((aligned(4096)));
    struct tally tally = { 0 };
    plan(2);
    for (unsigned index = 0; index < 1u << 14; index++) {
        // As addresses: memory, and what has no translation. As set and way or as an ASID: noise.
        const uint64_t values[] = { (uint64_t)scratch, (uint64_t)scratch | 0x4e, UINT64_MAX };
        for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
            uint32_t instruction = 0xd5080000 | register_of(0, index);
            assemble(instruction, 0xd5033fdf);
            count(&tally, catch_trap(run_code, values[i]).class, instruction);
        }
    }
    interrupts_off();
    diag("%u done, %u undefined, %u something else (0x%x)", tally.done, tally.undefined, tally.other,
         tally.first_other);
    ok(tally.done > 50 && tally.undefined > 10000, "every maintenance operation there is, and those there are not");
    ok(still_exact(), "the guest goes on, and its counter counts");
}

// Instructions that stop, trap, leave the level or belong to extensions; and noise in what is not allocated at all.
static void bad_instructions(void)
{
    static const uint32_t instructions[] = {
        0x00000000, 0x0000ffff,             // udf
        0xd4400000, 0xd45fffe0,             // hlt
        0xd4200000,                         // brk
        0xd4000001,                         // svc
        0xd4a00001, 0xd4a00002, 0xd4a00003, // dcps1 to 3
        0xd6bf03e0,                         // drps
        0x04e0e3e0,                         // cntd, of SVE
        0xd503477f,                         // smstart
        0xd9200800,                         // stg
        0xdac10000,                         // pacia
        0xd503305f,                         // clrex
        0xd5031020,                         // wfet
        0x1e204000,                         // fmov
        0x4e221c00,                         // and of vectors
    };
    struct random random = { 5 };
    unsigned survived = 0;
    plan(3);
    write_sysreg(S3_0_C1_C0_2, 0); // CPACR_EL1: FP and SVE trap to EL1
    for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
        assemble(instructions[i], 0xd503201f);
        catch_trap(run_code, 0);
        survived++;
    }
    ok(survived == ARRAY_LENGTH(instructions), "instructions that stop, trap, or are of extensions");
    struct tally tally = { 0 };
    for (unsigned i = 0; i < 20000; i++) { // bits 28:25 are 0: reserved, SME, unallocated
        uint32_t instruction = (uint32_t)random_next(&random) & ~(15u << 25);
        assemble(instruction, 0xd503201f);
        count(&tally, catch_trap(run_code, 0).class, instruction);
    }
    diag("%u done, %u undefined, %u something else (0x%x)", tally.done, tally.undefined, tally.other,
         tally.first_other);
    ok(tally.undefined > 15000, "20000 instructions that are none");
    ok(still_exact(), "the guest goes on, and its counter counts");
}

static void jump_to(uint64_t address)
{
    ((void (*)(void))address)();
}

static void map_all_executable(void)
{
    uint64_t *top = (uint64_t *)read_sysreg(ttbr0_el1);
    top[0] &= ~(3ull << 53);
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" : : : "memory");
}

static void bad_jump_nowhere(void)
{
    plan(4);
    struct caught caught = catch_trap(jump_to, 0xffff900000000000);
    ok(caught.class == CLASS_FETCH_ABORT && caught.far == 0xffff900000000000, "a jump to what has no translation");
    map_all_executable();
    caught = catch_trap(jump_to, NOBODY);
    ok(caught.class == CLASS_FETCH_ABORT, "a jump to an address that nobody has (class 0x%x)", caught.class);
    caught = catch_trap(jump_to, board.gicd);
    ok(caught.class == CLASS_FETCH_ABORT || caught.class == CLASS_UNKNOWN, "a jump into a device (class 0x%x)",
       caught.class);
    ok(still_exact(), "the guest goes on");
}

// Translation tables where a device is, where nobody is, and beyond what the CPU can address.
static void bad_translation(void)
{
    const uint64_t tables[] = { board.gicd, NOBODY, 0xfffffffff000, board.uart };
    plan(2);
    uint64_t own = read_sysreg(ttbr0_el1);
    unsigned back = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(tables); i++) {
        // With the MMU off the vectors are where they are; it is on for one load, of an address that needs a walk.
        write_sysreg(ttbr1_el1, tables[i]);
        write_sysreg(tcr_el1, (read_sysreg(tcr_el1) & ~(1ull << 23)) | 25ull << 16 | 2ull << 30);
        __asm__ volatile("tlbi vmalle1\n\tdsb ish\n\tisb" : : : "memory");
        struct caught caught = catch_trap(jump_to, 0xffffff8000000000);
        back += caught.class == CLASS_FETCH_ABORT;
        diag("tables at 0x%lx: class 0x%x, syndrome 0x%lx", tables[i], caught.class, caught.esr);
    }
    ok(back == ARRAY_LENGTH(tables) && read_sysreg(ttbr0_el1) == own, "tables that are none: an abort each time");
    ok(still_exact(), "the guest goes on");
}

static void bad_vectors_nowhere(void)
{
    plan(1);
    diag("an undefined instruction with the vectors where nobody is: each fetch is an abort, for ever");
    map_all_executable();
    write_sysreg(vbar_el1, NOBODY);
    __asm__ volatile("udf #0");
    ok(false, "still here");
}

static void bad_fault_loop(void)
{
    plan(1);
    diag("an undefined instruction with the vectors in no page: each fetch is an abort of the guest's own, for ever");
    write_sysreg(vbar_el1, ~UINT64_C(0x7ff));
    __asm__ volatile("isb\n\tudf #0" : : : "memory");
    ok(false, "still here");
}

static void bad_stack_in_mmio(void)
{
    plan(1);
    diag("an exception with the stack in the distributor");
    __asm__ volatile("mov sp, %0\n\tudf #0" : : "r"(board.gicd + 0x800) : "memory");
    ok(false, "still here");
}

static void bad_masked_loop(void)
{
    plan(1);
    diag("an endless loop with everything masked");
    for (;;)
        __asm__ volatile("msr daifset, #15" : : : "memory");
}

static void bad_masked_wfi(void)
{
    plan(1);
    diag("a halt that nothing can end: no timer, no interrupt enabled, everything masked");
    gic_mask(0);
    __asm__ volatile("msr daifset, #15\n1:\twfi\n\tb 1b" : : : "memory");
    ok(false, "still here");
}

static void bad_cpu_off(void)
{
    plan(1);
    int32_t result = (int32_t)firmware_call(0x84000002, 0, 0, 0);
    ok(result == -3, "the only CPU cannot switch itself off: DENIED (%d)", result);
}

static void bad_reset(void)
{
    plan(1);
    diag("PSCI resets the machine");
    firmware_call(0x84000009, 0, 0, 0);
    ok(false, "still here");
}

// The guest has its own SMC and HVC trapped nowhere, runs with its MMU, alignment and endianness as no kernel does.
static void bad_controls(void)
{
    struct random random = { 9 };
    const uint64_t harmless = 1ull << 1 | 1ull << 3 | 1ull << 4 | 1ull << 12 | 1ull << 14 | 1ull << 15 | 1ull << 16 |
                              1ull << 18 | 1ull << 26 | 1ull << 2; // A, SA, SA0, I, DZE, UCT, nTWI, nTWE, UCI, C
    uint64_t own = read_sysreg(sctlr_el1), cpacr = read_sysreg(S3_0_C1_C0_2);
    plan(2);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t noise = random_next(&random);
        write_sysreg(sctlr_el1, own ^ (noise & harmless));
        write_sysreg(S3_0_C1_C0_2, noise >> 32);
        write_sysreg(cntkctl_el1, noise >> 20);
        write_sysreg(contextidr_el1, noise);
        (void)read32(board.gicd + GICD_TYPER);
    }
    write_sysreg(sctlr_el1, own);
    write_sysreg(S3_0_C1_C0_2, cpacr);
    ok(true, "2000 times other controls, caches off and on");
    ok(still_exact(), "the guest goes on, and its counter counts");
}

static const struct named_test tests[] = {
    { "register-writes", bad_register_writes },
    { "maintenance", bad_maintenance },
    { "instructions", bad_instructions },
    { "jump-nowhere", bad_jump_nowhere },
    { "translation", bad_translation },
    { "vectors-nowhere", bad_vectors_nowhere },
    { "fault-loop", bad_fault_loop },
    { "stack-in-mmio", bad_stack_in_mmio },
    { "masked-loop", bad_masked_loop },
    { "masked-wfi", bad_masked_wfi },
    { "cpu-off", bad_cpu_off },
    { "reset", bad_reset },
    { "controls", bad_controls },
};

void test_main(void)
{
    run_named_test(tests, ARRAY_LENGTH(tests));
}
