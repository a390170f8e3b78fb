// SPDX-License-Identifier: MIT
// M15: do all clocks tell the same time? Each is read once a millisecond of V.
//
// Every read has its stamp, so the distance between two reads is known to the instruction and taken out: what is left
// must be less than one tick of the clock itself, and where all is exact, nothing at all.
#include "guest-tests/clocks_agree.h"
#include "guest-tests/lib/exact.h"

#define CLOCKS_MAX 8

static struct spread ticks_off[CLOCKS_MAX]; // reading minus the exact one, in the clock's own ticks
static struct spread ns_off;                // any clock against any other, ns
static uint64_t last[CLOCKS_MAX];

static int64_t to_ns(uint64_t count, uint64_t hz)
{
    return (int64_t)mul_div_floor(count, 1000000000, hz);
}

// One look at all clocks. Each is turned into nanoseconds since its own origin, moved to one common origin by stamps.
static void compare(void)
{
    uint64_t stamp[CLOCKS_MAX];
    int64_t lowest = INT64_MAX, highest = INT64_MIN;
    for (unsigned i = 0; i < clock_count; i++)
        if (!clocks[i].absent)
            last[i] = clocks[i].read(&stamp[i]);
    for (unsigned i = 0; i < clock_count; i++) {
        const struct clock *clock = &clocks[i];
        if (clock->absent)
            continue;
        spread_add(&ticks_off[i], (int64_t)(last[i] - clock->expected(stamp[i])));
        if (clock->coarse)
            continue;
        int64_t ns = to_ns(last[i], clock->hz) - to_ns(stamp[i] - clock->origin(), platform.counter_hz);
        lowest = ns < lowest ? ns : lowest;
        highest = ns > highest ? ns : highest;
    }
    spread_add(&ns_off, highest - lowest);
}

static void judge(const struct clock *clock, const struct spread *off)
{
    if (off->count)
        diag("M15 %s: reads=%lu, off by min=%ld max=%ld of its own ticks", clock->name, off->count, off->min, off->max);
    if (clock->absent)
        skip("not here", "%s", clock->name);
    else if (clock->slow)
        ok_counted(off->min >= -clock->slow && off->max <= 0, "%s: never fast, slow by the scale's rounding at most",
                   clock->name);
    else
        ok_exact(off->min == 0 && off->max == 0, "%s: every one of %lu readings exact", clock->name, off->count);
}

void test_main(void)
{
    uint64_t ms = cmdline_number("ms", 4000), moved = 0;
    plan(clock_count + 4);
    clocks_start();
    milliseconds_start();
    for (uint64_t i = 0; i < ms; i++) {
        halt_until_interrupt();
        compare();
    }
    milliseconds_stop();
    for (unsigned i = 0; i < clock_count; i++) {
        judge(&clocks[i], &ticks_off[i]);
        moved += last[i] > 0 || clocks[i].absent;
    }
    diag("M15 worst disagreement of any two clocks at one moment: %ld ns", ns_off.max);
    ok_exact(ns_off.count == ms && record.count == ms, "%lu milliseconds, as many ticks", ms);
    ok_counted(ns_off.max <= worst_ns, "each within a tick of its own of every other");
    ok_exact(ns_off.max <= coarsest_ns, "M15 all within one tick of the coarsest (%ld ns)", coarsest_ns);
    ok(moved == clock_count, "and all of them move");
}
