// SPDX-License-Identifier: MIT
// What probe.c asks of an architecture: its clocks, its counter, its way to be off.
#ifndef GUEST_TESTS_LINUX_PROBE_H
#define GUEST_TESTS_LINUX_PROBE_H

#include <stdint.h>

#define NS_PER_S   UINT64_C(1000000000)
#define CLOCKS_MAX 8u

typedef unsigned __int128 u128;

struct clock {
    const char *name;
    uint64_t (*read)(void);
    uint64_t hz;   // 0: not known, the next clock measures it
    unsigned bits; // the counter's width
    uint64_t before, value, after; // the last reading, and CLOCK_MONOTONIC around it
};

// The hardware's clocks, at most max; their number. What cannot be read is a line "fail ...".
unsigned find_clocks(struct clock *clocks, unsigned max);
uint64_t cpu_counter(void);
int machine_stop(void); // powers off without the kernel; returns what main() is to return if it does not

#endif
