// SPDX-License-Identifier: MIT
// clocks_agree on arm64: CNTPCT, what both timers have left, and the PL031, all against CNTVCT.
//
// The PL031 shows whole seconds. Where its second ends is found first, to the tick, by halving: it is read at one place
// of each second, before or after the change.
#include "guest-tests/clocks_agree.h"
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define RTCDR 0x000u
#define AHEAD 0x70000000u // of the compare value of CNTV, whose interrupt is off

static uint64_t origin, virtual_compare, physical_due;
static uint64_t rtc_edge, rtc_first; // at that stamp it changed to that value

static uint64_t read_physical(uint64_t *stamp)
{
    uint64_t value;
    *stamp = cntpct_read_stamp(&value);
    return value - origin;
}

// A register that exits is read at its stamp, another one counts itself.
static uint64_t expected_exiting(uint64_t stamp)
{
    return stamp + platform.exit_cost - origin;
}

static uint64_t expected_live(uint64_t stamp)
{
    return stamp + 1 - origin;
}

static uint64_t origin_of_counters(void)
{
    return origin;
}

// TVAL has 32 bits: the test ends before they have gone round.
static uint64_t read_virtual_left(uint64_t *stamp)
{
    uint64_t left;
    *stamp = cntv_tval_read_stamp(&left);
    return (uint32_t)(virtual_compare - left - origin);
}

static uint64_t read_physical_left(uint64_t *stamp)
{
    uint64_t left;
    *stamp = cntp_tval_read_stamp(&left);
    return physical_due - left - origin;
}

static uint64_t read_rtc(uint64_t *stamp)
{
    uint64_t value;
    *stamp = read32_stamp(board.rtc + RTCDR, &value);
    return value - rtc_first;
}

static uint64_t rtc_expected(uint64_t stamp)
{
    return (stamp - rtc_edge) / platform.counter_hz;
}

static uint64_t origin_of_rtc(void)
{
    return rtc_edge;
}

struct clock clocks[] = {
    { "CNTPCT", 0, read_physical, expected_exiting, origin_of_counters, 0, false, false },
    { "CNTV_TVAL", 0, read_virtual_left, expected_live, origin_of_counters, 0, false, false },
    { "CNTP_TVAL", 0, read_physical_left, expected_exiting, origin_of_counters, 0, false, false },
    { "PL031", 1, read_rtc, rtc_expected, origin_of_rtc, 0, true, false },
};
const unsigned clock_count = ARRAY_LENGTH(clocks);
const int64_t coarsest_ns = 17, worst_ns = 17 + 17; // of 62.5 MHz, rounded up

static void acknowledge(void)
{
    write_sysreg(cntp_cval_el0, physical_due += platform.counter_hz / 1000);
}

static void stop_virtual(void)
{
    write_sysreg(cntv_cval_el0, CNTV_NEVER);
}

static void halt_until(uint64_t stamp)
{
    write_sysreg(cntv_cval_el0, stamp);
    halt_until_interrupt();
}

// Between `low` and one second after it the RTC changes once: the first stamp at which it shows the next second.
static void find_second(void)
{
    uint64_t hz = platform.counter_hz, base = counter_read() + 100000;
    uint64_t low = 0, high = hz; // it has not changed at base + low, it has at base + high
    halt_until(base - 5000);
    uint64_t shown = read32_at(base, board.rtc + RTCDR);
    for (uint64_t second = 1; high - low > 1; second++) {
        uint64_t middle = (low + high) / 2;
        uint64_t at = base + second * hz + middle;
        halt_until(at - 5000);
        if (read32_at(at, board.rtc + RTCDR) == shown + second)
            low = middle;
        else
            high = middle;
        rtc_edge = base + second * hz + high;
        rtc_first = shown + second + 1;
    }
}

void clocks_start(void)
{
    trap_record(INTID_CNTV, stop_virtual);
    gic_enable(INTID_CNTV, true);
    stop_virtual();
    write_sysreg(cntv_ctl_el0, 1);
    clocks[3].absent = board.rtc == 0 || !platform.counted;
    if (!clocks[3].absent)
        find_second();
    gic_enable(INTID_CNTV, false);
    for (unsigned i = 0; i < 3; i++)
        clocks[i].hz = platform.counter_hz;
    origin = counter_read();
    write_sysreg(cntv_cval_el0, virtual_compare = origin + AHEAD);
}

void milliseconds_start(void)
{
    trap_record(INTID_CNTP, acknowledge);
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntp_cval_el0, physical_due = counter_read() + platform.counter_hz / 1000);
    write_sysreg(cntp_ctl_el0, 1);
    record.count = 0;
}

void milliseconds_stop(void)
{
    write_sysreg(cntp_ctl_el0, 0);
}
