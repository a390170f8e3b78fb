// SPDX-License-Identifier: MIT
// What a round trip costs: instructions per exit, timer, interrupt and clock read, loop overhead taken out.
//
// Under clock=guest a guest cannot see what its exits cost, which is the point of that clock. So this one wants
// clock=wall, where the guest's counter is the host's: one cycle an instruction on a deterministic machine.
#include "guest-tests/bench.h"

static uint64_t rounds;

void bench(const char *name, uint64_t (*section)(void), uint64_t beside)
{
    struct spread spread = { 0 };
    for (uint64_t i = 0; i < rounds; i++)
        spread_add(&spread, (int64_t)(section() - beside));
    print("bench: %-34s %8ld %8ld %8ld\n", name, spread.min, spread.sum / (int64_t)spread.count, spread.max);
}

void test_main(void)
{
    plan(1);
    rounds = cmdline_number("rounds", 1000);
    if (platform.exact)
        diag("clock=guest hides the cost of exits from the guest: run this with clock=wall");
    print("bench: round trip, in ticks of %-10s %8s %8s %8s\n", bench_counter, "least", "mean", "most");
    bench_all();
    ok(true, "bench: the table is complete");
}
