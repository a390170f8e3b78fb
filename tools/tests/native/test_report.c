// SPDX-License-Identifier: MIT
// The report, line by line, from invented figures: sums, shares, the closing line, the clocks' exact conversion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "tools/tests/native/records.h"
#include "vmm/show/report.h"

#define LINES_MAX 80

static struct ledger ledger;
static struct vtime vt;
static struct stats stats;
static struct ticks pit, lapic;
static struct trace trace;
static struct report_input input;
static struct switch_precision switches[EXIT_KIND_COUNT];
static char lines[LINES_MAX][128];
static unsigned line_count;

static void collect(void *ctx, const char *line)
{
    (void)ctx;
    assert_true(line_count < LINES_MAX && strlen(line) <= REPORT_COLUMNS);
    for (const char *c = line; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    strcpy(lines[line_count++], line);
}

static void print(void)
{
    line_count = 0;
    report_print(&input, collect, NULL);
}

// The longest line of a report with ordinary figures must not have been cut at the edge.
static void nothing_cut(void)
{
    for (unsigned i = 0; i < line_count; i++) {
        if (strlen(lines[i]) == REPORT_COLUMNS && strspn(lines[i] + 4, "GMHI|- ") != REPORT_COLUMNS - 4)
            fail_msg("cut: %s", lines[i]);
    }
}

static void has(const char *line)
{
    for (unsigned i = 0; i < line_count; i++) {
        if (strcmp(lines[i], line) == 0)
            return;
    }
    for (unsigned i = 0; i < line_count; i++)
        print_message("# %s\n", lines[i]);
    fail_msg("no line \"%s\"", line);
}

static void has_not(const char *start)
{
    for (unsigned i = 0; i < line_count; i++)
        assert_int_not_equal(strncmp(lines[i], start, strlen(start)), 0);
}

static void invent(void)
{
    ledger = (struct ledger){
        .start = 1000, .since = 300900, .open = ACCOUNT_MONITOR, .emulated = 77, .excess = 5, .underflows = 2
    };
    ledger.total[ACCOUNT_GUEST] = 200000;
    ledger.total[ACCOUNT_MONITOR] = 99900;
    vt = (struct vtime){ .hz = 1000000000, .now = 1000000007, .warped = 12 };
    memset(&stats, 0, sizeof(stats));
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
        histogram_init(&stats.cost[kind]);
    for (unsigned timer = 0; timer < 2; timer++)
        histogram_init(&stats.timer[timer].lateness);
    histogram_add(&stats.cost[EXIT_CPU_ID], 20);
    histogram_add(&stats.cost[EXIT_CPU_ID], 30);
    stats.exits = 2;
    stats.alarms = 9;
    stats.injections = 8;
    stats.windows = 3;
    pit = (struct ticks){ .expired = 10, .injected = 7, .pending = 2, .dropped = 1 };
    lapic = (struct ticks){ .expired = 4, .injected = 4 };
    histogram_add(&stats.timer[0].lateness, 31);
    trace_init(&trace);
    memset(switches, 0, sizeof(switches));
    input = (struct report_input){ .vm_name = "tick",
                                   .end_reason = "powered off",
                                   .ledger = &ledger,
                                   .host_now = 301000,
                                   .vt = &vt,
                                   .stats = &stats,
                                   .switches = switches,
                                   .timers = { { "PIT", &pit, &stats.timer[0].lateness },
                                               { "LAPIC", &lapic, &stats.timer[1].lateness } },
                                   .timer_count = 2,
                                   .trace = &trace,
                                   .host_hz = 1000000000,
                                   .clock_count = 3 };
    input.host_hz_origin = "HPET and PM timer, 1 ppm apart";
    input.host_hz_not_believed = "";
    input.clocks[0] = (struct clock_reading){ "TSC", 1000000000, 1000000007 };
    input.clocks[1] = (struct clock_reading){ "PIT", 1193182, 1193182 };
    input.clocks[2] = (struct clock_reading){ "PM timer", 3579545, 3579544 };
}

static bool has_any(const char *start)
{
    for (unsigned i = 0; i < line_count; i++)
        if (strncmp(lines[i], start, strlen(start)) == 0)
            return true;
    return false;
}

static void test_how_deadlines_were_met(void **state)
{
    (void)state;
    invent();
    print();
    assert_false(has_any("deadlines:") || has_any("steps:")); // nobody looked at each
    histogram_init(&stats.delivery.lateness);
    histogram_init(&stats.delivery.steps);
    histogram_add(&stats.delivery.lateness, 0);
    histogram_add(&stats.delivery.lateness, 4000);
    input.careful = true;
    input.alarm_error_cycles = -1000000;
    print();
    has("deadlines: 2 met in the guest, late p50 0, p99 4000, max 4000 cycles; alarm error -1000000");
    assert_false(has_any("steps:"));
    input.margin_cycles = 1000000;
    histogram_add(&stats.delivery.steps, 19);
    histogram_add(&stats.delivery.steps, 24);
    stats.delivery.unstepped = 3;
    print();
    has("steps: margin 1000000 cycles; 43 steps, p50 19, p99 24, max 24 a deadline; 3 by alarm");
}

static void test_head_and_accounts(void **state)
{
    (void)state;
    invent();
    print();
    has("==== VM tick: powered off");
    has("Its own time V: 1.000000007 s (1000000007 cycles at 1000000000 Hz)");
    has("of which skipped while halted: 12 cycles");
    has("  G  the guest itself                             200000   66.666 %");
    has("  M  the monitor, for this guest                  100000   33.333 %"); // the open account up to now
    has("  H  other work of the host                            0    0.000 %");
    has("     sum                                          300000   99.999 %, 0.001 % lost in rounding down");
    has("     counter, end minus start                     300000");
    has("  sum = counter: difference 0 cycles");
    has("closure: 0 cycles");
    has("  E  cost of emulated instructions                    77  modelled, not host cycles");
    has("     switch cost found too high                        5  2 slices shorter than their switch");
}

static void test_a_missing_cycle_shows(void **state)
{
    (void)state;
    invent();
    ledger.total[ACCOUNT_GUEST]--;
    print();
    has("closure: 1 cycles");
    ledger.total[ACCOUNT_GUEST] += 3;
    print();
    has("closure: -2 cycles");
}

static void test_meters(void **state)
{
    (void)state;
    invent();
    print();
    has_not("Meters:"); // where the hardware has none
    // 6252 counts of 32 cycles, 11 of them in each of the two slices before the guest's first instruction.
    stats.meter[METER_GUEST_TIMER] = (struct meter){ .counts = 6252, .unit_cycles = 32, .extra_cycles = 11 };
    print();
    has("Meters: the guest's cycles by hardware of its own, beside G; 2 slices");
    has("  meter                       cycles        minus G          ppm   its unit");
    has("  G                           200000");
    has("  guest's timer               200042             42          210         32");
    has_not("  exit stamp");
    stats.meter[METER_EXIT_STAMP] = (struct meter){ .counts = 199994, .unit_cycles = 1 };
    print();
    has("  exit stamp                  199994             -6          -30          1");
    nothing_cut();
}

static void test_exits_timers_alarms(void **state)
{
    (void)state;
    invent();
    print();
    has("  cpu-id                  2           25           30           30");
    has("  all                     2");
    has("  PIT               10          7        2        1 |         31         31         31");
    has("  LAPIC              4          4        0        0 |          0          0          0");
    has("law 5: expired = injected + pending + dropped for 2 of 2 timers");
    has("alarms: 9 ended a slice");
    has("interrupts: 8 injected, 3 waited for a window");
    has("counter: 1000000000 Hz by HPET and PM timer, 1 ppm apart");
    has_not("counter: not believed: ");
    has("trace: 0 records, hash=af63bd4c8601b7df");
    pit.dropped = 0;
    input.host_hz_not_believed = "CPUID 15h says 4000000000 Hz, 39000000 ppm off";
    print();
    has("counter: not believed: CPUID 15h says 4000000000 Hz, 39000000 ppm off");
    has("law 5: expired = injected + pending + dropped for 1 of 2 timers");
}

// Kinds of which no exit came do not count; a bias that is there is never 0.
static void test_precision(void **state)
{
    (void)state;
    invent();
    switches[EXIT_PORT] = (struct switch_precision){ 1000, 2000 };
    print();
    has("precision: reference bias 0 spread 0, delivery late p50 31 p99 31 max 31 cycles");
    switches[EXIT_CPU_ID] = (struct switch_precision){ 1, 9 };
    for (unsigned i = 0; i < 198; i++)
        histogram_add(&stats.cost[EXIT_HALT], 7); // two of 200 are CPUIDs
    for (unsigned i = 0; i < 98; i++)
        histogram_add(&stats.timer[1].lateness, 4);
    histogram_add(&stats.timer[1].lateness, 20);
    print();
    has("precision: reference bias 1 spread 9, delivery late p50 4 p99 20 max 31 cycles");
    histogram_add(&stats.cost[EXIT_PORT], 5);
    print();
    has("precision: reference bias 6 spread 2000, delivery late p50 4 p99 20 max 31 cycles");
    for (unsigned timer = 0; timer < 2; timer++)
        histogram_init(&stats.timer[timer].lateness);
    print();
    has("precision: reference bias 6 spread 2000 cycles a slice, delivery: no tick came");
    nothing_cut();
}

static void test_clocks(void **state)
{
    (void)state;
    invent();
    print();
    has("  V            1000000000           1000000007          1000000007");
    has("  TSC          1000000000           1000000007          1000000007            0         1         0");
    has("  PIT             1193182              1193182          1000000000            7       839         0");
    has("  PM timer        3579545              3579544           999999720          287       280         1");
}

static void test_lanes_follow_when_wanted(void **state)
{
    (void)state;
    invent();
    print();
    nothing_cut();
    unsigned without = line_count;
    input.lanes = true;
    print();
    assert_true(line_count > without);
    has("lanes: the trace is too short to draw");
}

// The widest figures there are, and random ones: no line beyond 100 columns, no division by zero.
static void test_extreme_figures(void **state)
{
    uint64_t seed = 8;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        invent();
        input.vm_name = "0123456789012345678901234567890";
        input.end_reason = "a very long reason: 0123456789012345678901234567890123456789012345678901234567890123456789";
        input.lanes = true;
        for (unsigned a = 0; a < ACCOUNT_COUNT; a++)
            ledger.total[a] = host_random_edgy(&seed);
        ledger.since = ledger.start = host_random_edgy(&seed);
        input.host_now = host_random_edgy(&seed);
        vt.now = host_random_edgy(&seed);
        for (unsigned i = 0; i < REPORT_CLOCKS_MAX; i++)
            input.clocks[i] = (struct clock_reading){ "0123456789", host_random_edgy(&seed), host_random_edgy(&seed) };
        for (unsigned m = 0; m < METER_COUNT; m++)
            for (uint64_t *field = &stats.meter[m].counts; field <= &stats.meter[m].extra_cycles; field++)
                *field = host_random_edgy(&seed);
        ledger.excess = host_random_edgy(&seed);
        input.clock_count = 100;
        for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
            histogram_add(&stats.cost[kind], host_random_edgy(&seed));
        print();
    }
    invent();
    input.host_now = ledger.start = ledger.since = 5;
    memset(ledger.total, 0, sizeof(ledger.total));
    print();
    has("closure: 0 cycles");
}

static void test_show(void **state)
{
    (void)state;
    invent();
    for (uint64_t i = 0; i < 12; i++) {
        struct trace_record record = { .host = 1000 + 900 * i, .duration = 700, .kind = TRACE_GUEST };
        trace_put(&trace, record);
    }
    input.lanes = true;
    print();
    for (unsigned i = 0; i < line_count; i++)
        print_message("# %s\n", lines[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_and_accounts),
        cmocka_unit_test(test_how_deadlines_were_met),
        cmocka_unit_test(test_a_missing_cycle_shows),
        cmocka_unit_test(test_meters),
        cmocka_unit_test(test_exits_timers_alarms),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_lanes_follow_when_wanted),
        cmocka_unit_test(test_extreme_figures),
        cmocka_unit_test(test_show),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
