// SPDX-License-Identifier: MIT
// The rate of the host counter and of the LAPIC timer. All reference clocks are read at both ends of one 10 ms window,
// so several cost no more time than one; each gives an interval that holds the true rate, two that agree give the
// number (rate.h). Called once by boot/main.c. Never waits without a bound: a dead clock is skipped.
#include "arch/x86_64/tsc.h"

#include "arch/x86_64/hosttimer.h"
#include "arch/x86_64/rate.h"
#include "arch/x86_64/refclock.h"
#include "arch/x86_64/x86.h"
#include "time/ratio.h"
#include "vmm/log.h"
#include "vmm/panic.h"

#define WINDOW_PARTS   100                 // of a second
#define WAIT_READS_MAX 4000000u            // far more than 10 ms of reads on any machine
#define WAIT_CYCLES    (UINT64_C(1) << 32) // and not longer than this, whatever a read costs
#define NOMINAL_PPM    1                   // PM timer and PIT are named in whole Hz: 315/88 MHz, 105/88 MHz
#define CPUID_PPM      50                  // a crystal's usual tolerance

// Sources of the TSC's rate: the reference clocks, then what CPUID says.
enum { SOURCE_CRYSTAL = REFCLOCK_COUNT, SOURCE_HYPERVISOR, SOURCE_COUNT };

struct source {
    const char *name;
    bool valid;
    struct rate tsc, lapic;
};

struct window {
    bool valid;
    struct refclock_edge start, end;
};

static uint64_t hz;

uint64_t tsc_hz(void)
{
    return hz;
}

// Waits until one of the clocks that run says that the window is over.
static void wait_window(const struct window windows[])
{
    unsigned reference = REFCLOCK_HPET;
    while (reference < REFCLOCK_COUNT && !windows[reference].valid)
        reference++;
    if (reference == REFCLOCK_COUNT)
        return;
    struct refclock_rate rate = refclock_rate(reference);
    uint64_t ticks = mul_div_ceil(1, rate.num, rate.den * WINDOW_PARTS);
    htime_t start = x86_rdtsc();
    for (unsigned reads = 0; reads < WAIT_READS_MAX && x86_rdtsc() - start < WAIT_CYCLES; reads++) {
        uint64_t now = refclock_read(reference);
        if (refclock_elapsed(reference, windows[reference].start.count, now) >= ticks)
            return;
        x86_pause();
    }
}

static void measure_windows(struct window windows[REFCLOCK_COUNT + 1])
{
    for (unsigned i = 0; i <= REFCLOCK_LAPIC; i++)
        windows[i].valid = refclock_start(i) && refclock_edge(i, &windows[i].start);
    wait_window(windows);
    for (unsigned i = 0; i <= REFCLOCK_LAPIC; i++) {
        windows[i].valid = windows[i].valid && refclock_edge(i, &windows[i].end);
        refclock_stop(i);
    }
}

// Between two edges at least low and at most high cycles passed.
static void cycles_between(const struct window *window, uint64_t *low, uint64_t *high)
{
    *low = window->end.low > window->start.high ? window->end.low - window->start.high : 0;
    *high = window->end.high - window->start.low;
}

static void rate_from_window(const struct window *window, enum refclock clock, struct source *source)
{
    struct refclock_rate rate = refclock_rate(clock);
    uint64_t low, high, ticks = refclock_elapsed(clock, window->start.count, window->end.count);
    cycles_between(window, &low, &high);
    source->name = refclock_name(clock);
    source->valid = rate_measured(low, high, ticks, rate.num, rate.den, &source->tsc);
    if (!source->valid)
        return;
    source->tsc = rate_widened(source->tsc, NOMINAL_PPM);
    log_line("tsc", "%s: %lu ticks in %lu..%lu cycles: %lu..%lu Hz", source->name, ticks, low, high, source->tsc.low_hz,
             source->tsc.high_hz);
}

// SDM 3A 18.7.3: leaf 15h gives crystal Hz (ECX) and the ratio EBX/EAX.
static void rate_from_crystal(struct source *source)
{
    struct cpuid_result leaf = x86_cpuid(0, 0).eax >= 0x15 ? x86_cpuid(0x15, 0) : (struct cpuid_result){ 0 };
    if (leaf.eax == 0 || leaf.ebx == 0 || leaf.ecx == 0)
        return;
    uint64_t nominal = mul_div_floor(leaf.ecx, leaf.ebx, leaf.eax);
    *source =
        (struct source){ "CPUID 15h", true, rate_widened((struct rate){ nominal, nominal + 1 }, CPUID_PPM), { 0 } };
}

// TIME.md's generic timing leaf of hypervisors: EAX is the TSC's rate in whole kHz.
static void rate_from_hypervisor(struct source *source)
{
    if ((x86_cpuid(1, 0).ecx & 1u << 31) == 0)
        return;
    uint32_t highest = x86_cpuid(0x40000000, 0).eax;
    uint64_t khz = highest >= 0x40000010 && highest < 0x40010000 ? x86_cpuid(0x40000010, 0).eax : 0;
    if (khz != 0)
        *source = (struct source){ "CPUID 40000010h", true, { khz * 1000 - 1000, khz * 1000 + 1000 }, { 0 } };
}

// The LAPIC timer's rate, given the TSC's: its ticks a cycle, times cycles a second.
static struct rate lapic_rate(const struct window *window, struct rate tsc)
{
    uint64_t low, high, ticks = refclock_elapsed(REFCLOCK_LAPIC, window->start.count, window->end.count);
    cycles_between(window, &low, &high);
    if (!window->valid || low == 0 || ticks == 0)
        panic("the local APIC's timer does not count");
    return (struct rate){ mul_div_floor(ticks, tsc.low_hz, high), mul_div_ceil(ticks, tsc.high_hz, low) };
}

// The first two sources, in order of trust, that agree on both rates.
static bool find_pair(const struct source sources[SOURCE_COUNT], const struct source **a, const struct source **b)
{
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        for (unsigned j = i + 1; j < SOURCE_COUNT; j++) {
            *a = &sources[i];
            *b = &sources[j];
            if (sources[i].valid && sources[j].valid && rate_agree(sources[i].tsc, sources[j].tsc) &&
                rate_agree(sources[i].lapic, sources[j].lapic))
                return true;
        }
    }
    return false;
}

static uint64_t choose(const char *what, const struct source *a, struct rate by_a, const struct source *b,
                       struct rate by_b)
{
    bool round;
    uint64_t chosen = rate_choose(by_a, by_b, &round);
    const char *why = round ? "the one round value in both" : "the middle";
    if (a == b)
        log_line("tsc", "%s %lu Hz: %s %lu..%lu alone, unconfirmed", what, chosen, a->name, by_a.low_hz, by_a.high_hz);
    else
        log_line("tsc", "%s %lu Hz: %s %lu..%lu, %s %lu..%lu; %s", what, chosen, a->name, by_a.low_hz, by_a.high_hz,
                 b->name, by_b.low_hz, by_b.high_hz, why);
    return chosen;
}

// Two sources that agree, or the only one there is, twice.
static void choose_sources(const struct source sources[SOURCE_COUNT], const struct source **a, const struct source **b)
{
    unsigned valid = 0;
    if (find_pair(sources, a, b))
        return;
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        valid += sources[i].valid;
        *a = *b = sources[i].valid ? &sources[i] : *a;
    }
    if (valid != 1)
        panic(valid == 0 ? "no clock to measure the counter against" : "the clocks contradict each other");
}

void tsc_init(void)
{
    struct window windows[REFCLOCK_COUNT + 1] = { 0 };
    struct source sources[SOURCE_COUNT] = { 0 };
    measure_windows(windows);
    for (unsigned i = 0; i < REFCLOCK_COUNT; i++) {
        if (windows[i].valid)
            rate_from_window(&windows[i], i, &sources[i]);
        else
            log_line("tsc", "%s: absent or does not count, skipped", refclock_name(i));
    }
    rate_from_crystal(&sources[SOURCE_CRYSTAL]);
    rate_from_hypervisor(&sources[SOURCE_HYPERVISOR]);
    for (unsigned i = 0; i < SOURCE_COUNT; i++)
        sources[i].lapic = lapic_rate(&windows[REFCLOCK_LAPIC], sources[i].tsc);

    const struct source *a = NULL, *b = NULL;
    choose_sources(sources, &a, &b);
    uint64_t chosen = choose("counter", a, a->tsc, b, b->tsc);
    // Both sources confirm the alarm's rate; the counter itself, known now, bounds it more tightly than either.
    const struct source counter = { .name = "counter" };
    struct rate by_counter = lapic_rate(&windows[REFCLOCK_LAPIC], (struct rate){ chosen, chosen });
    hosttimer_set_hz(choose("alarm", &counter, by_counter, a, a->lapic));
    hz = chosen; // last: lines have seconds from here
}
