// SPDX-License-Identifier: MIT
// What is counted about one VM while it runs: exits by kind with the monitor cycles each cost, timers with their
// expiries and lateness. Filled by run.c and the timer paths, printed by report.c.
#ifndef VMM_STATS_H
#define VMM_STATS_H

#include "time/tickpolicy.h"
#include "vmm/exit.h"
#include "vmm/histogram.h"

enum timer_id { TIMER_PIT, TIMER_LAPIC, TIMER_PM, TIMER_UART, TIMER_HPET_0, TIMER_HPET_1, TIMER_COUNT };

struct timer_stats {
    struct histogram lateness; // V at injection minus deadline, cycles; never negative
};

struct stats {
    uint64_t           exits;
    struct histogram   cost[EXIT_KIND_COUNT]; // monitor cycles from the exit to the next entry, by kind
    struct timer_stats timer[TIMER_COUNT];
    uint64_t           alarms;        // host alarms that ended a slice
    uint64_t           alarms_early;  // of those, before the deadline: re-armed, never delivered
    uint64_t           injections;
    uint64_t           windows;
};

#endif
