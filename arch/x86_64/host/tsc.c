// SPDX-License-Identifier: MIT
// The rate of the host counter and of the LAPIC timer. All reference clocks are read at both ends of one 10 ms window,
// so several cost no more time than one; each gives an interval that holds the true rate (rate.h). Two sources that
// agree give the number (rate_ladder.h). Called once by boot/x86_64/main.c. Never waits without a bound.
#include "arch/x86_64/host/tsc.h"

#include "arch/x86_64/host/timer.h"
#include "arch/x86_64/host/rate_ladder.h"
#include "arch/x86_64/host/refclock.h"
#include "arch/x86_64/host/x86.h"
#include "time/ratio.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"

#include <string.h>

#define WINDOW_PARTS   100                 // of a second
#define WAIT_READS_MAX 4000000u            // far more than 10 ms of reads on any host
#define WAIT_CYCLES    (UINT64_C(1) << 32) // and not longer than this, whatever a read costs
#define NOMINAL_PPM    1                   // PM timer and PIT are named in whole Hz: 315/88 MHz, 105/88 MHz

// In the order of trust: a crystal that the processor names, the reference clocks, what a hypervisor says; last what is
// only a round figure.
enum {
    SOURCE_CRYSTAL,
    SOURCE_REFCLOCK,
    SOURCE_HYPERVISOR = SOURCE_REFCLOCK + REFCLOCK_COUNT,
    SOURCE_BASE,
    SOURCE_COUNT,
};

struct window {
    bool valid;
    struct refclock_edge start, end;
};

static struct counter counter;
static char origin[80], not_believed[80];

const struct counter *arch_counter(void)
{
    return &counter;
}

void tsc_set_scaling(struct counterscale_format scaling)
{
    counter.scaling = scaling;
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

static void rate_from_window(const struct window *window, enum refclock clock, struct rate_source *source)
{
    struct refclock_rate rate = refclock_rate(clock);
    uint64_t low, high, ticks = refclock_elapsed(clock, window->start.count, window->end.count);
    cycles_between(window, &low, &high);
    if (!rate_measured(low, high, ticks, rate.num, rate.den, &source->rate))
        return;
    source->name = refclock_name(clock);
    source->rate = rate_widened(source->rate, NOMINAL_PPM);
    log_line("tsc", "%s: %lu ticks in %lu..%lu cycles: %lu..%lu Hz", source->name, ticks, low, high,
             source->rate.low_hz, source->rate.high_hz);
}

// Leaves 15h and 16h, and the generic timing leaf of hypervisors.
static void rates_from_cpuid(struct rate_source sources[SOURCE_COUNT])
{
    uint32_t highest = x86_cpuid(0, 0).eax;
    struct cpuid_result crystal = highest >= 0x15 ? x86_cpuid(0x15, 0) : (struct cpuid_result){ 0 };
    uint32_t base_mhz = highest >= 0x16 ? x86_cpuid(0x16, 0).eax & 0xffff : 0;
    struct leaf_15h leaf = { crystal.eax, crystal.ebx, crystal.ecx };
    sources[SOURCE_CRYSTAL] = rate_by_crystal(x86_cpuid(1, 0).eax, leaf, base_mhz);
    sources[SOURCE_BASE] = rate_by_base(base_mhz);
    if ((x86_cpuid(1, 0).ecx & 1u << 31) != 0) {
        uint32_t hypervisor = x86_cpuid(0x40000000, 0).eax;
        bool has_leaf = hypervisor >= 0x40000010 && hypervisor < 0x40010000;
        sources[SOURCE_HYPERVISOR] = rate_by_hypervisor(has_leaf ? x86_cpuid(0x40000010, 0).eax : 0);
    }
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

// One line a source that says something else than what was chosen; the report shows the first of them.
static void name_those_not_believed(const struct rate_source sources[SOURCE_COUNT])
{
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        if (!rate_contradicts(&sources[i], counter.hz))
            continue;
        char text[sizeof(not_believed)];
        format(text, sizeof(text), "%s says %lu Hz, %lu ppm off", sources[i].name, rate_middle(sources[i].rate),
               rate_apart_ppm(sources[i].rate, (struct rate){ counter.hz, counter.hz }));
        log_line("tsc", "not believed: %s", text);
        if (not_believed[0] == '\0')
            memcpy(not_believed, text, sizeof(not_believed));
    }
}

static struct rate_choice choose(const struct rate_source sources[SOURCE_COUNT])
{
    struct rate_choice choice = rate_decide(sources, SOURCE_COUNT);
    if (choice.verdict == RATE_UNKNOWN)
        panic("no clock to measure the counter against");
    if (choice.verdict == RATE_CONTRADICTED)
        panic("the clocks contradict each other");
    if (choice.b != NULL)
        format(origin, sizeof(origin), "%s and %s, %lu ppm apart", choice.a->name, choice.b->name,
               rate_apart_ppm(choice.b->rate, choice.a->rate));
    else
        format(origin, sizeof(origin), "%s alone, unconfirmed", choice.a->name);
    log_line("tsc", "counter %lu Hz by %s; %s", choice.hz, origin,
             choice.round ? "the one round value" : "the middle");
    return choice;
}

void tsc_init(void)
{
    struct window windows[REFCLOCK_COUNT + 1] = { 0 };
    struct rate_source sources[SOURCE_COUNT] = { 0 };
    measure_windows(windows);
    for (unsigned i = 0; i < REFCLOCK_COUNT; i++) {
        if (windows[i].valid)
            rate_from_window(&windows[i], i, &sources[SOURCE_REFCLOCK + i]);
        else
            log_line("tsc", "%s: absent or does not count, skipped", refclock_name(i));
    }
    rates_from_cpuid(sources);
    struct rate_choice choice = choose(sources);
    // The log's lines have seconds from here.
    counter = (struct counter){ .hz = choice.hz, .origin = origin, .not_believed = not_believed };
    name_those_not_believed(sources);

    // The source confirms the alarm's rate; the counter itself, known now, bounds it more tightly.
    bool round;
    struct rate by_counter = lapic_rate(&windows[REFCLOCK_LAPIC], (struct rate){ choice.hz, choice.hz });
    struct rate by_source = lapic_rate(&windows[REFCLOCK_LAPIC], choice.a->rate);
    uint64_t alarm_hz = rate_choose(by_counter, by_source, &round);
    log_line("tsc", "alarm %lu Hz: by the counter %lu..%lu; %s", alarm_hz, by_counter.low_hz, by_counter.high_hz,
             round ? "the one round value" : "the middle");
    hosttimer_set_hz(alarm_hz);
}
