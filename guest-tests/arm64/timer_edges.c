// SPDX-License-Identifier: MIT
// The virtual timer at the ends of its numbers: compare values around 0, 2^63 and 2^64 and TVALs on both sides, before
// and after the guest's counter has run far ahead. The comparison is CNT >= CVAL, unsigned (DDI 0487, D11.2.4).
// Whatever stood in CVAL, the next near deadline comes at its tick: that is what a hypervisor or an emulator that adds
// offsets to compare values gets wrong, or hangs at.
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define ENABLE  1u
#define IMASK   2u
#define ISTATUS 4u
#define HALF    ((uint64_t)1 << 63)
#define NEAR    200u
#define HALTS   40u
#define HALT_S  3u // seconds of the guest's time, each

static void stop(void)
{
    write_sysreg(cntv_ctl_el0, ENABLE | IMASK);
}

// Interrupts at near deadlines, polled ones in between.
static void near_deadlines(const char *when)
{
    struct spread error = { 0 };
    bool once = true, edge = true;
    for (unsigned i = 0; i < 6; i++) {
        uint64_t before = record.count;
        uint64_t due = cntv_start(NEAR) + NEAR;
        write_sysreg(cntv_ctl_el0, ENABLE);
        interrupts_on();
        wait_until(due + 1000);
        interrupts_off();
        once = once && record.count == before + 1;
        spread_add(&error, (int64_t)(record.stamp - due));
        due = cntv_start(500) + 500; // masked by the handler
        edge = edge && (cntv_ctl_read_at(due - 1) & ISTATUS) == 0;
        due = cntv_start(500) + 500;
        edge = edge && (cntv_ctl_read_at(due) & ISTATUS) != 0;
    }
    diag("M5 CNTV %s: error min=%ld max=%ld", when, error.min, error.max);
    ok_exact(once && error.min >= 0, "%s: six near deadlines, each came once, none early", when);
    ok_counted(error.min == 0 && error.max == 0, "M5 %s: each at its tick", when);
    ok_counted(edge, "%s: ISTATUS without an interrupt rises at the tick", when);
}

static bool status(void)
{
    return (read_sysreg(cntv_ctl_el0) & ISTATUS) != 0;
}

// Distances from the counter and values of their own, each looked at twice, with an unmasked timer in between.
static void compare_values(const char *when)
{
    uint64_t now = counter_read();
    const uint64_t values[] = {
        0, 1, now - 1, now + 1000000000, HALF - 1, HALF, HALF + 1, now + HALF, now - HALF - 1000000, UINT64_MAX / 100,
        -now, 1 - now, -now - 1, -(now * 2), ~now, UINT64_MAX - 1, UINT64_MAX, -((uint64_t)1 << 52),
        ((uint64_t)1 << 52) - 1, (uint64_t)1 << 52, -((uint64_t)1 << 56),
    };
    unsigned wrong = 0, came = 0, expected = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
        uint64_t before = record.count;
        bool past = values[i] <= now;
        write_sysreg(cntv_ctl_el0, ENABLE | IMASK);
        write_sysreg(cntv_cval_el0, values[i]);
        wrong += status() != past;
        write_sysreg(cntv_ctl_el0, ENABLE);
        interrupts_on();
        wait_until(counter_read() + 2000);
        interrupts_off();
        wrong += status() != past || read_sysreg(cntv_cval_el0) != values[i];
        came += record.count != before;
        expected += past;
    }
    stop();
    ok(wrong == 0, "%s: ISTATUS is CNT >= CVAL at every end of the numbers", when);
    ok(came == expected, "%s: and the interrupt came for those alone (%u of %u)", when, came, expected);
}

static void relative_values(const char *when)
{
    static const uint32_t values[] = { 0, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffc18 };
    bool right = true;
    for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
        uint64_t before = counter_read();
        write_sysreg(cntv_tval_el0, values[i]);
        uint64_t after = counter_read(), cval = read_sysreg(cntv_cval_el0);
        uint64_t base = cval - (uint64_t)(int64_t)(int32_t)values[i];
        right = right && base >= before && base <= after && status() == (cval <= after);
    }
    ok(right, "%s: TVAL of both signs", when);
}

static void all(const char *when)
{
    compare_values(when);
    near_deadlines(when);
    relative_values(when);
}

// Two minutes, a deadline after the other: where halts are skipped the guest's clock gets far ahead of the host's.
static void run_ahead(void)
{
    uint64_t start = counter_read(), before = record.count;
    for (unsigned i = 0; i < HALTS; i++) {
        cntv_start(HALT_S * platform.counter_hz);
        write_sysreg(cntv_ctl_el0, ENABLE);
        halt_until_interrupt();
    }
    ok_exact(record.count == before + HALTS && counter_read() - start >= (uint64_t)HALTS * HALT_S * platform.counter_hz,
       "%u halts of %u seconds end with their interrupt", HALTS, HALT_S);
}

void test_main(void)
{
    plan(13);
    trap_record(INTID_CNTV, stop);
    gic_enable(INTID_CNTV, true);
    stop();
    all("at the start");
    run_ahead();
    all("two minutes later");
}
