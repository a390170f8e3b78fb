// SPDX-License-Identifier: MIT
// What a shell cannot ask of a Linux guest: do all its clocks agree over a sleep, and how often does the timer
// interrupt a busy processor? A static program in the guest's initramfs; prints "pass TEXT", "fail TEXT" and figures
// for init.
//
//   probe sleep SECONDS [PPM [MHZ]]   clocks against CLOCK_MONOTONIC, apart by PPM at most beyond what reading them
//                                     takes; MHZ is what the kernel found the TSC to have
//   probe ticks SECONDS               timer interrupts while the processor is busy
//   probe drain                       until the terminal has sent everything
//   probe stop                        powers off at once: as init, the end of a boot that is measured
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>

#define NS_PER_S     UINT64_C(1000000000)
#define PM1_PORT     0x604
#define PM1_SLEEP    0x2000 // SLP_EN, and 0 as SLP_TYP
#define PM_PORT      0x608
#define PM_HZ        3579545u
#define PM_BITS      24
#define HPET_BASE    0xfed00000
#define TICK_HZ      250u // CONFIG_HZ of Debian's kernels
#define WAKE_NS_MAX  1000000u // from the deadline of a sleep until its process runs again
#define TSC_PPM_MAX  10
#define SPIN_CYCLES  20000

typedef unsigned __int128 u128;

static const volatile uint64_t *hpet; // its registers, null if there is none

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
static uint64_t pm_timer(void)
{
    return inl(PM_PORT);
}
static uint64_t hpet_counter(void)
{
    return hpet[0xf0 / 8];
}
static uint64_t tsc(void)
{
    return __builtin_ia32_rdtsc();
}

struct clock {
    const char *name;
    uint64_t (*read)(void);
    uint64_t hz;   // 0: not known, its rate is a figure
    unsigned bits; // the counter's width
    uint64_t before, value, after; // the last reading, and CLOCK_MONOTONIC around it
};

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

// The TSC's rate by a clock whose rate is exact, against the one that the kernel told or calibrated.
static void compare_rate(const struct clock *start, const struct clock *end, const struct clock *by_start,
                         const struct clock *by_end, double mhz)
{
    double seconds = (double)ticks_between(by_start, by_end) / (double)by_start->hz;
    double found = (double)(end->value - start->value) / seconds / 1e6;
    double ppm = mhz > 0 ? (mhz / found - 1) * 1e6 : 0;

    printf("TSC %.6f MHz by %s, the kernel says %.3f\n", found, by_start->name, mhz);
    if (mhz > 0)
        printf("%s the kernel's TSC frequency is right to %d ppm (%+.2f)\n",
               ppm <= TSC_PPM_MAX && ppm >= -TSC_PPM_MAX ? "pass" : "fail", TSC_PPM_MAX, ppm);
}

// Where ACPI says that it is, as memory: /dev/hpet is only there for a timer that Linux has no use for itself.
static uint64_t open_hpet(void)
{
    int file = open("/dev/mem", O_RDONLY | O_CLOEXEC);
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, HPET_BASE);

    if (page == MAP_FAILED)
        return 0;
    hpet = page;
    uint64_t period_fs = hpet[0] >> 32;
    return period_fs != 0 ? UINT64_C(1000000000000000) / period_fs : 0;
}

static int probe_sleep(uint64_t seconds, uint64_t ppm, double mhz)
{
    struct clock start[6] = {
        { .name = "CLOCK_MONOTONIC_RAW", .read = monotonic_raw, .hz = NS_PER_S, .bits = 64 },
        { .name = "CLOCK_BOOTTIME", .read = boottime, .hz = NS_PER_S, .bits = 64 },
        { .name = "CLOCK_REALTIME", .read = realtime, .hz = NS_PER_S, .bits = 64 },
        { .name = "TSC", .read = tsc, .bits = 64 },
        { .name = "PM timer", .read = pm_timer, .hz = PM_HZ, .bits = PM_BITS },
        { .name = "HPET", .read = hpet_counter, .hz = open_hpet(), .bits = 64 },
    };
    struct clock end[6];
    unsigned count = hpet != NULL && start[5].hz != 0 ? 6 : 5;

    if (count < 6)
        printf("fail the HPET may be read\n");

    if (iopl(3) != 0) {
        printf("fail ports may be read\n");
        return 1;
    }
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
    }
    compare_rate(&start[3], &end[3], &start[4], &end[4], mhz);
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

// The tick, and at most one other timer a second (the kernel's watchdogs). The TSC paces the loop, because reading
// CLOCK_MONOTONIC can be an access to a device.
static int probe_ticks(uint64_t seconds)
{
    uint64_t before = timer_interrupts(), end = monotonic() + seconds * NS_PER_S;

    while (monotonic() < end) {
        for (uint64_t from = tsc(); tsc() - from < SPIN_CYCLES;)
            ;
    }
    uint64_t ticks = timer_interrupts() - before, least = seconds * TICK_HZ;
    printf("%s %lu timer interrupts in %lu busy seconds, %u a second are due\n",
           ticks >= least && ticks <= least + seconds + 1 ? "pass" : "fail", ticks, seconds, TICK_HZ);
    return 0;
}

// By the chipset's register, the same in QEMU's PC and in a VM: the kernel's own way would be part of the measurement.
static int probe_stop(void)
{
    if (iopl(3) != 0)
        return 1;
    outw(PM1_SLEEP, PM1_PORT);
    return 1; // still here
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
        return probe_stop();
    fprintf(stderr, "usage: probe sleep SECONDS [PPM [MHZ]] | ticks SECONDS | drain | stop\n");
    return 64;
}
