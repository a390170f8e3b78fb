// SPDX-License-Identifier: MIT
// Does a halt ever lose its wake-up, and when does the guest wake? The deadline is swept over every boundary.
//
// An interrupt that falls due just before the halt ends it at once; a later deadline is where the halt ends. Never
// later, never twice, never lost.
#include "guest-tests/halt_wake.h"
#include "guest-tests/lib/timer.h"

// The deadline lies `ahead` instructions after the first one of the way into the halt.
static void test_sweep(int64_t first, int64_t last)
{
    struct spread error = { 0 };
    bool once = true, right_pc = true;
    for (int64_t ahead = first; ahead <= last; ahead++) {
        uint64_t before = record.count;
        uint64_t due = timer_stamp(timer_start(5000), 5000);
        uint64_t start = due - (uint64_t)ahead;
        run_at(start, halt_code, 0);
        once = once && record.count == before + 1;
        right_pc = right_pc && record.pc == (uint64_t)halt_code_after;
        spread_add(&error, (int64_t)(record.stamp - halt_expected(start, due)));
    }
    diag("deadline %ld to %ld instructions after the first: error min=%ld max=%ld", first, last, error.min, error.max);
    ok_exact(once, "deadlines %ld to %ld: each woke the CPU once, none was lost", first, last);
    ok_counted(right_pc, "deadlines %ld to %ld: the halt was executed each time", first, last);
    ok_exact(error.min >= 0, "deadlines %ld to %ld: none early", first, last);
    ok_exact(error.min == 0 && error.max == 0, "M10 deadlines %ld to %ld: the handler stands where it must", first,
             last);
}

// Random halts: idle=warp makes V the deadline, however far.
static void test_far(void)
{
    struct random random = { 23 };
    struct spread error = { 0 };
    uint64_t before = record.count;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t count = 100 + random_next(&random) % 50000000;
        uint64_t origin = timer_start(count);
        halt_until_interrupt();
        spread_add(&error, (int64_t)(record.stamp - timer_stamp(origin, count) - halt_lag));
    }
    diag("M5 2000 halts of up to 50,000,000 ticks: error min=%ld max=%ld", error.min, error.max);
    ok_exact(record.count == before + 2000 && error.min >= 0, "2000 halts, 2000 wake-ups, none early");
    ok_exact(error.min == 0 && error.max == 0, "each ended at its deadline");
}

static void test_second(void)
{
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    uint64_t due = timer_stamp(timer_start(timer_hz()), timer_hz());
    halt_until_interrupt();
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    diag("a halt of one second: %ld cycles off, %lu exits", (int64_t)(record.stamp - due - halt_lag), exits);
    if (platform.exact && platform.oracle)
        ok(exits < 100, "a halted second costs few exits (%lu)", exits);
    else
        skip("not exact here", "a halted second costs few exits");
    ok_exact(record.stamp == due + halt_lag, "a halted second is one second");
}

void test_main(void)
{
    plan(12 + halt_extra_claims);
    timer_init();
    test_sweep(-60, -20);
    test_sweep(-19, 40);
    test_far();
    halt_extra();
    timer_init();
    test_second();
}
