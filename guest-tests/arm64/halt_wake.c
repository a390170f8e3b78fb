// SPDX-License-Identifier: MIT
// halt_wake on arm64: WFI with interrupts masked and not; CNTP; what the priority mask or the distributor holds back.
#include "guest-tests/halt_wake.h"
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define SGI  3u
#define SPI  45u // of nobody; GICv2's SGIs cannot be disabled
#define LONG 1000000u

__asm__(".pushsection .text\n"
        ".globl halt_code, halt_code_after, halt_open\n"
        "halt_code: wfi\n"
        " msr daifclr, #2\n"
        "halt_code_after: msr daifset, #2\n"
        " ret\n"
        "halt_open: msr daifclr, #2\n"
        " wfi\n"
        "halt_open_after: msr daifset, #2\n"
        " ret\n"
        ".popsection\n");
void halt_open(void);

const uint64_t halt_lag = 1;

// The WFI ends at the deadline, the instruction that lets the interrupt in comes next. With an interrupt pending
// already it has nothing to wait for and is like any other instruction: it does not exit then (DDI 0487, D1.6.2).
uint64_t halt_expected(uint64_t start, uint64_t due)
{
    uint64_t ended = start + 1;
    return ((int64_t)(due - ended) > 0 ? due : ended) + 1;
}

static void stop_physical(void)
{
    write_sysreg(cntp_cval_el0, UINT64_MAX);
}

// With interrupts let in before, the handler is what the halt ends with.
static void test_open(void)
{
    struct spread error = { 0 };
    uint64_t before = record.count;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t ahead = 1000 + i * 12345;
        uint64_t due = timer_stamp(timer_start(ahead), ahead);
        halt_open();
        spread_add(&error, (int64_t)(record.stamp - due));
    }
    ok(record.count == before + 100 && error.min >= 0, "WFI with interrupts let in: each ended with one");
    ok_counted(error.max == 0, "and the handler stands at the deadline");
}

static void test_physical(void)
{
    struct spread error = { 0 };
    uint64_t before = record.count;
    trap_record(INTID_CNTP, stop_physical);
    gic_enable(INTID_CNTP, true);
    stop_physical();
    write_sysreg(cntp_ctl_el0, 1);
    for (uint64_t ahead = 64; ahead <= 1u << 26; ahead *= 2) {
        uint64_t origin = cntp_start(ahead);
        halt_until_interrupt();
        spread_add(&error, (int64_t)(record.stamp - origin - ahead - halt_lag));
    }
    diag("CNTP, 64 to 2^26 ticks: error min=%ld max=%ld", error.min, error.max);
    ok_exact(record.count == before + 21 && error.min >= 0, "CNTP wakes a halted CPU, never early");
    ok_counted(error.max == 0, "and exactly at its deadline");
    write_sysreg(cntp_ctl_el0, 0);
    gic_enable(INTID_CNTP, false);
}

// What is pending and cannot be signalled does not end a halt: the timer, much later, does.
static void test_held_back(const char *by)
{
    uint64_t before = record.count;
    uint64_t due = timer_stamp(timer_start(LONG), LONG);
    halt_until_interrupt();
    ok(record.count == before + 1 && record.stamp >= due, "what is held back by %s does not end a halt", by);
}

static void test_masks(void)
{
    trap_record(SGI, NULL);
    timer_init();
    gic_enable(SGI, true);
    gic_priority(SGI, 0xa0);
    gic_priority(INTID_CNTV, 0x40);
    gic_mask(0x80);
    gic_sgi_self(SGI);
    test_held_back("the priority mask");
    trap_record(SGI, NULL);
    uint64_t before = record.count;
    gic_mask(0xff);
    ok(wait_for_record(before + 1, 10000), "it comes when the mask is opened");
    timer_init();
    gic_enable(SGI, false);
    gic_enable(SPI, false);
    gic_set_pending(SPI, true);
    test_held_back("the distributor");
    trap_record(SPI, NULL);
    before = record.count;
    gic_enable(SPI, true);
    ok(wait_for_record(before + 1, 10000), "it comes when the distributor lets it");
    gic_enable(SPI, false);
}

// The virtual timer's own mask holds as well while the CPU is halted: CNTP ends the halt.
static void test_timer_masked(void)
{
    timer_init();
    write_sysreg(cntv_ctl_el0, 3);
    timer_start(1000);
    trap_record(INTID_CNTP, stop_physical);
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntp_ctl_el0, 1);
    uint64_t before = record.count, due = cntp_start(LONG) + LONG;
    halt_until_interrupt();
    ok(record.count == before + 1 && record.stamp >= due, "a virtual timer with IMASK set does not end a halt");
    write_sysreg(cntp_ctl_el0, 0);
    gic_enable(INTID_CNTP, false);
    trap_record(INTID_CNTV, timer_stop);
    before = record.count;
    write_sysreg(cntv_ctl_el0, 1);
    ok(wait_for_record(before + 1, 10000), "it comes when the mask is cleared");
}

const unsigned halt_extra_claims = 2 + 2 + 4 + 2;

void halt_extra(void)
{
    test_open();
    test_physical();
    test_masks();
    test_timer_masked();
}
