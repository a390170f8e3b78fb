// SPDX-License-Identifier: MIT
// The performance monitors (DDI 0487 D13): does the cycle counter count what this guest executes and nothing else,
// whatever exits there are, and do its filter, its stops and the event counter do what they say?
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define PMCR_E       1u
#define PMCR_P       2u
#define PMCR_C       4u
#define PMCR_LC      (1u << 6)
#define CYCLES       (1u << 31)
#define EVENT        1u
#define NOT_AT_EL1   (1u << 31)
#define NOT_AT_EL0   (1u << 30)
#define SW_INCR      0x00u
#define INST_RETIRED 0x08u
#define CPU_CYCLES   0x11u
#define CALL         0xc645530fu // of the monitor, answered on the way
#define ROUNDS       64u

static uint64_t counts_per_tick;

static void spin(uint64_t rounds)
{
    __asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(rounds) : : "cc");
}

// Both clocks, at one distance from each other.
static void both(uint64_t *ticks, uint64_t *cycles)
{
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, pmccntr_el0" : "=r"(*ticks), "=r"(*cycles) : : "memory");
}

// The cycle counter less what the other counter makes of it, at most a tick from 0 if nothing else was counted.
static int64_t differs(void (*work)(void))
{
    uint64_t ticks, cycles, ticks_then, cycles_then;
    both(&ticks, &cycles);
    work();
    both(&ticks_then, &cycles_then);
    return (int64_t)((cycles_then - cycles) - (ticks_then - ticks) * counts_per_tick);
}

static void set_up(void)
{
    write_sysreg(pmcntenset_el0, CYCLES | EVENT);
    write_sysreg(pmccfiltr_el0, 0);
    write_sysreg(pmcr_el0, PMCR_E | PMCR_P | PMCR_C | PMCR_LC);
}

static void measure_rate(void)
{
    uint64_t ticks, cycles, ticks_then, cycles_then;
    both(&ticks, &cycles);
    spin(1000000);
    both(&ticks_then, &cycles_then);
    uint64_t elapsed = ticks_then - ticks;
    counts_per_tick = (cycles_then - cycles + elapsed / 2) / elapsed;
    diag("%lu cycles of the PMU a tick of the counter", counts_per_tick);
}

// --- work -----------------------------------------------------------------------------------------------------------

static void long_loop(void)
{
    spin(3000000);
}

static void calls(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct smccc call = { .x = { CALL } };
        smccc_hvc(&call);
        spin(10);
    }
}

static void device_memory(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        (void)read32(board.gicd + 4);
}

static void registers(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t value;
        cntpct_read_stamp(&value);
        (void)read_sysreg(pmccntr_el0);
    }
}

static void ticks(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t due = cntv_start(500) + 500;
        write_sysreg(cntv_ctl_el0, 1);
        interrupts_on();
        wait_until(due + 500);
        interrupts_off();
    }
}

static void stop(void)
{
    write_sysreg(cntv_ctl_el0, 2);
}

// --- questions ------------------------------------------------------------------------------------------------------

static void cycle_counter(void)
{
    static const struct {
        const char *name;
        void (*work)(void);
    } works[] = { { "a loop", long_loop }, { "hypercalls", calls }, { "device memory", device_memory },
                  { "trapped registers", registers }, { "timer interrupts", ticks } };
    for (unsigned i = 0; i < ARRAY_LENGTH(works); i++) {
        int64_t differs_by = differs(works[i].work), most = (int64_t)counts_per_tick;
        ok_counted(differs_by >= -most && differs_by <= most,
                   "%s: the two counters differ by %ld cycles, a tick is %lu", works[i].name, differs_by,
                   counts_per_tick);
    }
    ok(record.count == ROUNDS, "%lu interrupts came", record.count);
    unsigned same = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t first = read_sysreg(pmccntr_el0), second = read_sysreg(pmccntr_el0);
        same += second <= first;
    }
    ok(same == 0, "two reads, one after the other, show two cycles (%u do not)", same);
    write_sysreg(pmccntr_el0, 0x123456789abcdef0);
    uint64_t value = read_sysreg(pmccntr_el0);
    ok(value > 0x123456789abcdef0 && value - 0x123456789abcdef0 < 100000, "it goes on from what is written");
}

static uint64_t in_a_loop(void)
{
    uint64_t before = read_sysreg(pmccntr_el0);
    spin(10000);
    return read_sysreg(pmccntr_el0) - before;
}

static void filter_and_stop(void)
{
    write_sysreg(pmccfiltr_el0, NOT_AT_EL1);
    ok(in_a_loop() == 0, "PMCCFILTR.P: nothing is counted at EL1");
    write_sysreg(pmccfiltr_el0, NOT_AT_EL0);
    ok(in_a_loop() >= 20000, "PMCCFILTR.U: EL1 is counted");
    write_sysreg(pmccfiltr_el0, 0);
    write_sysreg(pmcr_el0, PMCR_LC);
    ok(in_a_loop() == 0, "PMCR.E clear: it stands still");
    write_sysreg(pmcr_el0, PMCR_E | PMCR_LC);
    write_sysreg(pmcntenclr_el0, CYCLES);
    ok(in_a_loop() == 0, "PMCNTENCLR: it stands still");
    write_sysreg(pmcntenset_el0, CYCLES);
}

// The instructions between two reads: `rounds` of two, and what surrounds them.
static uint64_t retired(uint64_t rounds)
{
    uint64_t before = read_sysreg(pmevcntr0_el0);
    spin(rounds);
    return read_sysreg(pmevcntr0_el0) - before;
}

static void event_counter(void)
{
    uint64_t events = read_sysreg(pmceid0_el0);
    ok((events >> SW_INCR & 1) != 0 && (events >> CPU_CYCLES & 1) != 0, "events: 0x%lx", events);
    write_sysreg(pmevtyper0_el0, SW_INCR);
    write_sysreg(pmevcntr0_el0, UINT32_MAX);
    write_sysreg(pmovsclr_el0, EVENT);
    write_sysreg(pmswinc_el0, EVENT);
    ok(read_sysreg(pmevcntr0_el0) == 0 && (read_sysreg(pmovsset_el0) & EVENT) != 0, "SW_INCR: one more, and over");
    if ((events >> INST_RETIRED & 1) == 0) {
        skip("no such event", "INST_RETIRED");
    } else {
        write_sysreg(pmevtyper0_el0, INST_RETIRED);
        ok(retired(5001) - retired(1) == 10000, "INST_RETIRED: 10000 instructions are 10000");
    }
    write_sysreg(pmevtyper0_el0, INST_RETIRED | NOT_AT_EL1);
    ok(retired(1000) == 0, "and none at EL1 where it is not to be counted");
}

// The CPU's own event counters have 32 bits, and so has this one: it goes round with all of them.
static void round_and_round(void)
{
    write_sysreg(pmevtyper0_el0, CPU_CYCLES);
    write_sysreg(pmcr_el0, PMCR_E | PMCR_P | PMCR_C | PMCR_LC);
    write_sysreg(pmovsclr_el0, EVENT | CYCLES);
    spin(150000000);
    uint64_t event = read_sysreg(pmevcntr0_el0), cycles = read_sysreg(pmccntr_el0);
    int64_t apart = (int32_t)(cycles - event), most = (int64_t)counts_per_tick;
    ok_counted(apart >= 0 && apart <= most, "%lu cycles later the event counter has their lower 32 bits", cycles);
    ok((read_sysreg(pmovsset_el0) & (EVENT | CYCLES)) == (cycles >> 32 != 0 ? EVENT : 0), "and says if it went round");
}

void test_main(void)
{
    unsigned version = read_sysreg(id_aa64dfr0_el1) >> 8 & 15;
    if (version == 0 || version == 15 || (read_sysreg(pmcr_el0) >> 11 & 31) == 0) {
        plan(1);
        skip("no such monitors here", "performance monitors, version %u", version);
        return;
    }
    plan(18);
    trap_record(INTID_CNTV, stop);
    gic_enable(INTID_CNTV, true);
    stop();
    set_up();
    measure_rate();
    cycle_counter();
    filter_and_stop();
    event_counter();
    round_and_round();
}
