// SPDX-License-Identifier: MIT
// M15: do all clocks tell the same time? PIT, APIC timer, PM timer, TSC and clock page are read each millisecond of V.
//
// Every read has its stamp, so the distance between two reads is known to the instruction and taken out: what is left
// must be less than one tick of the clock itself, and where all is exact, nothing at all.
#include "guest-tests/lib/x86_64/devices.h"

#define APIC_START 0xffffffffu
#define PIT_PERIOD 65536u

static struct pvclock page __attribute__((aligned(64)));
static bool have_pvclock;
static uint64_t pit_origin, apic_origin, pm_first, pm_origin;
static uint64_t pit_clocks, apic_ticks, pm_ticks; // unwrapped
static uint16_t pit_last;
static uint32_t pm_last;

enum { CLOCK_PIT, CLOCK_APIC, CLOCK_PM, CLOCK_PV, CLOCKS };
static const char *const names[CLOCKS] = { "PIT", "APIC timer", "PM timer", "clock page" };
static struct spread ticks_off[CLOCKS]; // reading minus the exact one, in the clock's own ticks
static struct spread ns_off;            // any clock against any other, ns

static void acknowledge(void)
{
    pic_eoi(0);
}

static uint64_t read_pit(uint64_t *stamp)
{
    uint16_t count;
    *stamp = pit_latch(2, &count);
    pit_clocks += (uint16_t)(pit_last - count);
    pit_last = count;
    return pit_clocks;
}

static uint64_t read_apic(uint64_t *stamp)
{
    uint32_t count;
    *stamp = lapic_read_stamp(APIC_TMCCT, &count);
    apic_ticks = APIC_START - count;
    return apic_ticks;
}

static uint64_t read_pm(uint64_t *stamp)
{
    uint64_t value;
    *stamp = inl_stamp(board.pm_timer_port, &value);
    pm_ticks += ((uint32_t)value - pm_last) & 0xffffff;
    pm_last = (uint32_t)value;
    return pm_ticks;
}

static void start_clocks(void)
{
    uint64_t value;
    pit_gate2(true);
    pit_origin = pit_start(2, 2, PIT_PERIOD);
    lapic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
    apic_origin = lapic_write_stamp(APIC_TMICT, APIC_START);
    uint64_t pm_first_stamp = inl_stamp(board.pm_timer_port, &value);
    pm_last = (uint32_t)value;
    pm_first = mul_div_floor(pm_first_stamp - (uint64_t)platform.read_bias, PM_TIMER_HZ, platform.counter_hz);
    pm_origin = mul_div_ceil(pm_first, platform.counter_hz, PM_TIMER_HZ) + (uint64_t)platform.read_bias;
    if (have_pvclock)
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
}

static int64_t to_ns(uint64_t count, uint64_t hz)
{
    return (int64_t)mul_div_floor(count, 1000000000, hz);
}

// One look at all clocks. Each is turned into nanoseconds since its own origin, moved to one common origin by stamps.
static void compare(void)
{
    uint64_t stamp[CLOCKS], count[CLOCKS];
    int64_t ns[CLOCKS], lowest = INT64_MAX, highest = INT64_MIN;
    count[CLOCK_PIT] = read_pit(&stamp[CLOCK_PIT]);
    count[CLOCK_APIC] = read_apic(&stamp[CLOCK_APIC]);
    count[CLOCK_PM] = read_pm(&stamp[CLOCK_PM]);
    uint64_t hz = platform.counter_hz;
    uint64_t pit_exact = mul_div_floor(stamp[CLOCK_PIT] - pit_origin, PIT_HZ, hz);
    uint64_t apic_exact = mul_div_floor(stamp[CLOCK_APIC] - apic_origin, board.apic_hz, hz);
    uint64_t pm_exact = mul_div_floor(stamp[CLOCK_PM] - (uint64_t)platform.read_bias, PM_TIMER_HZ, hz) - pm_first;
    spread_add(&ticks_off[CLOCK_PIT], (int64_t)(count[CLOCK_PIT] - pit_exact));
    spread_add(&ticks_off[CLOCK_APIC], (int64_t)(count[CLOCK_APIC] - apic_exact));
    spread_add(&ticks_off[CLOCK_PM], (int64_t)(count[CLOCK_PM] - pm_exact));
    ns[CLOCK_PIT] = to_ns(count[CLOCK_PIT], PIT_HZ) - to_ns(stamp[CLOCK_PIT] - pit_origin, hz);
    ns[CLOCK_APIC] = to_ns(count[CLOCK_APIC], board.apic_hz) - to_ns(stamp[CLOCK_APIC] - apic_origin, hz);
    ns[CLOCK_PM] = to_ns(count[CLOCK_PM], PM_TIMER_HZ) - to_ns(stamp[CLOCK_PM] - pm_origin, hz);
    unsigned clocks = CLOCK_PV;
    if (have_pvclock) {
        uint64_t tsc = rdtsc();
        ns[CLOCK_PV] = (int64_t)(pvclock_at(&page, tsc) - page.system_time) - to_ns(tsc - page.tsc_timestamp, hz);
        spread_add(&ticks_off[CLOCK_PV], ns[CLOCK_PV]);
        clocks = CLOCKS;
    }
    for (unsigned i = 0; i < clocks; i++) {
        lowest = ns[i] < lowest ? ns[i] : lowest;
        highest = ns[i] > highest ? ns[i] : highest;
    }
    spread_add(&ns_off, highest - lowest);
}

void test_main(void)
{
    uint64_t ms = cmdline_number("ms", 4000);
    plan(8);
    lapic_init(false);
    pic_init(1);
    trap_record(VECTOR_PIC, acknowledge);
    have_pvclock = pvclock_present();
    start_clocks();
    pit_start(0, 2, 1193);
    for (uint64_t i = 0; i < ms; i++) {
        halt_until_interrupt();
        compare();
    }
    pit_start(0, 0, 0);
    for (unsigned i = 0; i < CLOCKS; i++) {
        struct spread *s = &ticks_off[i];
        if (s->count)
            diag("M15 %s: reads=%lu, off by min=%ld max=%ld of its own ticks", names[i], s->count, s->min, s->max);
        if (i == CLOCK_PV && !have_pvclock)
            skip("no clock page here", "clock page");
        else if (i == CLOCK_PV)
            ok_counted(s->min >= -10 && s->max <= 0, "clock page: never fast, slow by the scale's rounding at most");
        else
            ok_exact(s->min == 0 && s->max == 0, "%s: every one of %lu readings exact", names[i], s->count);
    }
    diag("M15 worst disagreement of any two clocks at one moment: %ld ns", ns_off.max);
    ok(ticks_off[CLOCK_PIT].count == ms && record.count == ms, "%lu milliseconds, as many ticks", ms);
    ok_counted(ns_off.max <= 839 + 280, "each within a tick of its own of every other");
    ok_exact(ns_off.max <= 839, "M15 all within one tick of the coarsest (839 ns)");
    ok(pit_clocks > 0 && apic_ticks > 0 && pm_ticks > 0, "and all of them move");
}
