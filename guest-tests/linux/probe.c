// SPDX-License-Identifier: MIT
// What a shell cannot ask of a Linux guest: do all its clocks agree over a sleep, and how often does the timer
// interrupt a busy processor? A static program in the guest's initramfs; prints "pass TEXT", "fail TEXT" and figures
// for init.
//
//   probe sleep SECONDS [PPM [MHZ]]   clocks against CLOCK_MONOTONIC, apart by PPM at most beyond what reading them
//                                     takes; MHZ is what the kernel found the TSC to have (x86-64)
//   probe ticks SECONDS               timer interrupts while the processor is busy
//   probe drain                       until the terminal has sent everything
//   probe stop                        powers off at once: as init, the end of a boot that is measured
//
// The clocks that only an architecture has are in probe_x86_64.c and probe_arm64.c.
#define _GNU_SOURCE
#include "probe.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>

#define TICK_HZ      250u // CONFIG_HZ of Debian's kernels
#define WAKE_NS_MAX  1000000u // from the deadline of a sleep until its process runs again
#define RATE_PPM_MAX 10
#define SPIN_CYCLES  20000

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t monotonic(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}
static uint64_t monotonic_raw(void)
{
    return clock_ns(CLOCK_MONOTONIC_RAW);
}
static uint64_t boottime(void)
{
    return clock_ns(CLOCK_BOOTTIME);
}
static uint64_t realtime(void)
{
    return clock_ns(CLOCK_REALTIME);
}

static void read_clock(struct clock *clock)
{
    clock->before = monotonic();
    clock->value = clock->read();
    clock->after = monotonic();
}

// The ticks between two readings: the counter's width hides whole turns, which CLOCK_MONOTONIC tells.
static uint64_t ticks_between(const struct clock *start, const struct clock *end)
{
    uint64_t ticks = end->value - start->value;

    if (start->bits == 64)
        return ticks;
    uint64_t turn = UINT64_C(1) << start->bits;
    uint64_t about = (uint64_t)((u128)(end->before - start->before) * start->hz / NS_PER_S);
    ticks &= turn - 1;
    return ticks + (about + turn / 2 - ticks) / turn * turn;
}

// A counter's n ticks last more than n - 1 and less than n + 1; CLOCK_MONOTONIC brackets both readings. The two spans
// must overlap, give or take ppm.
static void compare(const struct clock *start, const struct clock *end, uint64_t ppm)
{
    uint64_t ticks = ticks_between(start, end);
    uint64_t low = end->before - start->after, high = end->after - start->before, slack = high / 1000000 * ppm;
    uint64_t least = (uint64_t)((u128)(ticks - 1) * NS_PER_S / start->hz);
    uint64_t most = (uint64_t)((u128)(ticks + 1) * NS_PER_S / start->hz) + 1;
    bool agree = least <= high + slack && most + slack >= low;

    printf("%s %s: %lu ticks at %lu Hz are %lu..%lu ns, CLOCK_MONOTONIC says %lu..%lu\n", agree ? "pass" : "fail",
           start->name, ticks, start->hz, least, most, low, high);
}

// A counter's rate by a clock whose rate is exact, against the one that the kernel told or calibrated.
static void compare_rate(const struct clock *start, const struct clock *end, const struct clock *by_start,
                         const struct clock *by_end, double mhz)
{
    double seconds = (double)ticks_between(by_start, by_end) / (double)by_start->hz;
    double found = (double)(end->value - start->value) / seconds / 1e6;
    double ppm = mhz > 0 ? (mhz / found - 1) * 1e6 : 0;

    printf("%s %.6f MHz by %s, the kernel says %.3f\n", start->name, found, by_start->name, mhz);
    if (mhz > 0)
        printf("%s the kernel's %s frequency is right to %d ppm (%+.2f)\n",
               ppm <= RATE_PPM_MAX && ppm >= -RATE_PPM_MAX ? "pass" : "fail", start->name, RATE_PPM_MAX, ppm);
}

static int probe_sleep(uint64_t seconds, uint64_t ppm, double mhz)
{
    struct clock start[CLOCKS_MAX] = {
        { .name = "CLOCK_MONOTONIC_RAW", .read = monotonic_raw, .hz = NS_PER_S, .bits = 64 },
        { .name = "CLOCK_BOOTTIME", .read = boottime, .hz = NS_PER_S, .bits = 64 },
        { .name = "CLOCK_REALTIME", .read = realtime, .hz = NS_PER_S, .bits = 64 },
    };
    struct clock end[CLOCKS_MAX];
    unsigned own = 3, count = own + find_clocks(start + own, CLOCKS_MAX - own);

    uint64_t from = monotonic();
    for (unsigned i = 0; i < count; i++)
        read_clock(&start[i]);
    uint64_t asked = monotonic();
    struct timespec left = { .tv_sec = (time_t)seconds };
    nanosleep(&left, NULL);
    uint64_t woken = monotonic();
    memcpy(end, start, sizeof(end));
    for (unsigned i = 0; i < count; i++)
        read_clock(&end[i]);
    uint64_t slept = woken - asked;
    printf("%s a sleep of %lu s took %lu ns of CLOCK_MONOTONIC\n",
           slept >= seconds * NS_PER_S && slept < seconds * NS_PER_S + WAKE_NS_MAX ? "pass" : "fail", seconds, slept);
    printf("reading %u clocks took %lu ns\n", count, asked - from);
    for (unsigned i = 0; i < count; i++) {
        if (start[i].hz != 0)
            compare(&start[i], &end[i], ppm);
        else // its rate is measured by its neighbour's
            compare_rate(&start[i], &end[i], &start[i + 1], &end[i + 1], mhz);
    }
    return 0;
}

// All interrupts so far of what has "timer" or "hpet" in its name.
static uint64_t timer_interrupts(void)
{
    FILE *table = fopen("/proc/interrupts", "re");
    char line[512];
    uint64_t sum = 0;

    while (table != NULL && fgets(line, sizeof(line), table) != NULL) {
        const char *number = strchr(line, ':');
        if (number != NULL && (strstr(line, "timer") != NULL || strstr(line, "hpet") != NULL))
            sum += strtoull(number + 1, NULL, 10);
    }
    if (table != NULL)
        fclose(table);
    return sum;
}

// The tick, and at most one other timer a second (the kernel's watchdogs). The CPU's counter paces the loop, because
// reading CLOCK_MONOTONIC can be an access to a device.
static int probe_ticks(uint64_t seconds)
{
    uint64_t before = timer_interrupts(), end = monotonic() + seconds * NS_PER_S;

    while (monotonic() < end) {
        for (uint64_t from = cpu_counter(); cpu_counter() - from < SPIN_CYCLES;)
            ;
    }
    uint64_t ticks = timer_interrupts() - before, least = seconds * TICK_HZ;
    printf("%s %lu timer interrupts in %lu busy seconds, %u a second are due\n",
           ticks >= least && ticks <= least + seconds + 1 ? "pass" : "fail", ticks, seconds, TICK_HZ);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

    if (argc > 1 && strcmp(argv[1], "sleep") == 0)
        return probe_sleep(seconds, argc > 3 ? strtoull(argv[3], NULL, 10) : 0, argc > 4 ? strtod(argv[4], NULL) : 0);
    if (argc > 1 && strcmp(argv[1], "ticks") == 0)
        return probe_ticks(seconds);
    if (argc > 1 && strcmp(argv[1], "drain") == 0)
        return tcdrain(1);
    if (argc > 1 && strcmp(argv[1], "stop") == 0)
        return machine_stop();
    fprintf(stderr, "usage: probe sleep SECONDS [PPM [MHZ]] | ticks SECONDS | drain | stop\n");
    return 64;
}
