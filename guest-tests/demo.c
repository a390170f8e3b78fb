// SPDX-License-Identifier: MIT
// The guest that `make run` shows: it computes, talks to devices, halts and ticks, and looks at its clocks all the
// while.
//
// Four acts of six tenths of a second of its own time, each told by slow ticks; then what its clocks say, and
// power-off.
#include "guest-tests/demo.h"

#define TENTH  10u // ticks
#define TENTHS 24u

static struct demo demo;
static volatile uint64_t slow_ticks, fast_ticks;
static volatile uint64_t sink; // keeps the computing from being optimised away

void demo_slow_tick(void)
{
    slow_ticks++;
}

void demo_fast_tick(void)
{
    fast_ticks++;
}

static uint64_t ns_of(uint64_t cycles)
{
    return mul_div_floor(cycles, 1000000000, platform.counter_hz);
}

static uint64_t compute(uint64_t rounds)
{
    uint64_t x = 1;
    for (; rounds; rounds--)
        x = x * 6364136223846793005u + 1442695040888963407u;
    return x;
}

// One tenth of a second in the manner of the act; the rest of it is spent halted.
static void tenth(unsigned act, uint64_t until)
{
    if (act == 1)
        sink = compute(platform.counter_hz / 50);
    if (act == 2)
        for (unsigned i = 0; i < 4000; i++)
            demo_device_write(i);
    if (act == 3)
        while (slow_ticks < until) {
            sink += compute(20000);
            demo_device_write(0);
        }
    while (slow_ticks < until)
        demo_halt();
}

static void show(unsigned act, unsigned n, uint64_t start)
{
    const char *const acts[4] = { "halting", "computing", demo.writes, "a bit of both" };
    uint64_t passed = counter_read() - start;
    char bar[25] = "........................";
    for (unsigned i = 0; i <= n; i++)
        bar[i] = '#';
    print("  [%s] %lu.%03lu s  %s %3lu  %s %4lu  %s\n", bar, ns_of(passed) / 1000000000, ns_of(passed) / 1000000 % 1000,
          demo.slow, slow_ticks, demo.fast, fast_ticks, acts[act]);
}

static void summary(uint64_t start, uint64_t origin)
{
    uint32_t count = demo_fast_count();
    uint64_t now = counter_read();
    print("This guest's own view:\n");
    print("  %-10s %12lu cycles = %lu us\n", demo.counter, now - start, ns_of(now - start) / 1000);
    print("  %-10s %12lu ticks  = %lu us\n", demo.slow, slow_ticks,
          slow_ticks * demo.slow_period * 1000000 / demo.slow_hz);
    print("  %-10s %12lu ticks  = %lu us\n", demo.fast_in_full, fast_ticks,
          mul_div_floor(fast_ticks * (demo.fast_hz / 1000), 1000000, demo.fast_hz));
    demo_other_clocks();
    uint64_t due = mul_div_floor(now - origin, demo.slow_hz, platform.counter_hz * demo.slow_period);
    print("  ticks due %lu, handled %lu, lost %ld; %s count now %u\n", due, slow_ticks, (int64_t)(due - slow_ticks),
          demo.fast, count);
}

void test_main(void)
{
    demo = demo_describe();
    print("A guest on %s, %s %lu.%03lu MHz\n",
          platform.escapement     ? "Escapement"
          : platform.signature[0] ? platform.signature
                                  : "the bare machine",
          demo.counter, platform.counter_hz / 1000000, platform.counter_hz / 1000 % 1000);
    uint64_t start = counter_read();
    uint64_t origin = demo_start();
    interrupts_on();
    for (unsigned n = 0; n < TENTHS; n++) {
        unsigned act = n / 6;
        tenth(act, (n + 1) * TENTH);
        if (n % 2)
            show(act, n, start);
    }
    interrupts_off();
    summary(start, origin);
    print("Power off.\n");
    power_off();
}
