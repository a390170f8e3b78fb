// SPDX-License-Identifier: MIT
// The guest that `make run` shows: it computes, talks to ports, halts and ticks, and looks at its clocks all the while.
//
// Four acts of six tenths of a second of its own time, each told by PIT ticks; then what its clocks say, and power-off.
#include "guest-tests/lib/x86_64/devices.h"

#define TICK_COUNT 11932u // PIT clocks: about 10 ms
#define TENTH      10u    // ticks
#define TENTHS     24u

static volatile uint64_t pit_ticks, apic_ticks;
static volatile uint64_t sink; // keeps the computing from being optimised away
static struct pvclock page __attribute__((aligned(64)));

static void pit_tick(struct trap *trap)
{
    (void)trap;
    pit_ticks++;
    pic_eoi(0);
}

static void apic_tick(struct trap *trap)
{
    (void)trap;
    apic_ticks++;
    lapic_write(APIC_EOI, 0);
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
            outb(0x80, (uint8_t)i);
    if (act == 3)
        while (pit_ticks < until) {
            sink += compute(20000);
            outb(0x80, 0);
        }
    while (pit_ticks < until)
        __asm__ volatile("sti\n\thlt\n\tcli\n\tsti\n\tnop" : : : "memory");
}

static void show(unsigned act, unsigned n, uint64_t start)
{
    static const char *const acts[4] = { "halting", "computing", "port writes", "a bit of both" };
    uint64_t tsc = rdtsc() - start;
    char bar[25] = "........................";
    for (unsigned i = 0; i <= n; i++)
        bar[i] = '#';
    print("  [%s] %lu.%03lu s  PIT %3lu  APIC %4lu  %s\n", bar, ns_of(tsc) / 1000000000, ns_of(tsc) / 1000000 % 1000,
          pit_ticks, apic_ticks, acts[act]);
}

static void summary(uint64_t start, uint64_t origin)
{
    uint32_t apic = lapic_read(APIC_TMCCT);
    uint64_t tsc = rdtsc();
    print("This guest's own view:\n");
    print("  TSC        %12lu cycles = %lu us\n", tsc - start, ns_of(tsc - start) / 1000);
    print("  PIT        %12lu ticks  = %lu us\n", pit_ticks, pit_ticks * TICK_COUNT * 1000000 / PIT_HZ);
    print("  APIC timer %12lu ticks  = %lu us\n", apic_ticks, ns_of(apic_ticks * (board.apic_hz / 1000)) / 1000);
    if (pvclock_present())
        print("  clock page %12lu ns\n", pvclock_read(&page));
    uint64_t due = mul_div_floor(tsc - origin, PIT_HZ, platform.counter_hz * TICK_COUNT);
    print("  ticks due %lu, handled %lu, lost %ld; APIC count now %u\n", due, pit_ticks, (int64_t)(due - pit_ticks),
          apic);
}

void test_main(void)
{
    print("A guest on %s, TSC %lu.%03lu MHz\n", platform.escapement ? "Escapement" : platform.signature,
          platform.counter_hz / 1000000, platform.counter_hz / 1000 % 1000);
    lapic_init(false);
    pic_init(1);
    trap_set(VECTOR_PIC, pit_tick);
    trap_set(VECTOR_TIMER, apic_tick);
    if (pvclock_present())
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
    uint64_t start = rdtsc();
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(APIC_TMICT, (uint32_t)(board.apic_hz / 1000));
    uint64_t origin = pit_start(0, 2, TICK_COUNT);
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
