// SPDX-License-Identifier: MIT
// M3: does any part of an exit leak into the guest's counter? M2: does a million exits add up to the closed form?
//
// Counter, exit, counter is compared with counter, counter, a thousand times for each kind of exit; least and greatest
// leak are both asked to be 0. Then 10^6 exits in one loop, whose length in instructions is known.
#include "guest-tests/counter_leak.h"

#define ROUNDS 1000u

static void test_leak(const struct leak *leak)
{
    struct spread spread = { 0 };
    uint64_t expected = leak_none() + leak->beside + platform.exit_cost;
    if (leak->needs_escapement && !platform.oracle) {
        skip("no such hypercall here", "M3 %s", leak->name);
        return;
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        spread_add(&spread, (int64_t)(leak->section() - expected));
    diag("M3 kind=\"%s\" rounds=%u leak min=%ld max=%ld", leak->name, ROUNDS, spread.min, spread.max);
    ok_counted(spread.min == 0 && spread.max == 0, "M3 %s leaks nothing into the guest's counter", leak->name);
}

static void test_sum(uint64_t exits)
{
    uint64_t before = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    uint64_t delta = exit_loop(exits);
    uint64_t counted = platform.oracle ? oracle(ORACLE_EXITS, 0) - before : 0;
    uint64_t expected = sum_own + (2 + platform.exit_cost) * exits;
    int64_t drift = (int64_t)(delta - expected);
    diag("M2 exits=%lu counter advanced by %lu, closed form %lu, drift %ld", exits, delta, expected, drift);
    ok_counted(drift == 0, "M2 %lu exits: the counter's sum is the closed form", exits);
    if (platform.oracle)
        ok(counted >= exits, "the monitor saw %lu exits meanwhile", counted);
    else
        skip("no exit counter here", "the monitor saw the exits");
}

void test_main(void)
{
    plan(leak_count + 2);
    counter_leak_prepare();
    for (unsigned i = 0; i < leak_count; i++)
        test_leak(&leaks[i]);
    test_sum(cmdline_number("exits", 1000000));
}
