// SPDX-License-Identifier: MIT
// What is counted about one VM while it runs: exits by kind with the monitor cycles each cost, timers with their
// expiries and lateness. Filled where slices are booked (account.h), by what exits ask for and where a timer's tick
// goes in; printed by report.c.
#ifndef VMM_SHOW_STATS_H
#define VMM_SHOW_STATS_H

#include "time/tickpolicy.h"
#include "vmm/base/exit.h"
#include "vmm/show/histogram.h"

#define STATS_TIMERS_MAX 8 // the machine numbers and names them

struct timer_stats {
    struct histogram lateness; // V at injection minus deadline, cycles; never negative
};

// What calibration has seen of a world switch of one kind, beside the least, which is what a slice is charged: cycles
// of the guest's that may have been the switch's.
struct switch_precision {
    uint64_t bias_cycles;   // the mean above the least, rounded up
    uint64_t spread_cycles; // the greatest above the least
};

// Witnesses of G: what hardware of its own says about the guest's cycles, where an architecture has any. Each slice
// adds what it counted; the report sets the sum beside G.
enum meter_id {
    METER_GUEST_TIMER, // a timer that counts in the guest alone
    METER_EXIT_STAMP,  // the counter as the hardware stored it at the exit
    METER_CYCLE_COUNTER, // a counter of events that stands still in the monitor
    METER_COUNT
};

struct meter {
    uint64_t counts;
    uint64_t unit_cycles;  // of one count; a slice is known to less than this. 0: there is no such meter
    uint64_t extra_cycles; // that it counts in each slice besides the guest's
};

// Deadlines that came while the guest ran, where they are looked at one by one (vmm/delivery.c).
struct delivery_stats {
    struct histogram lateness; // V at the boundary where one was found to have come, minus it; never negative
    struct histogram steps;    // single steps towards it
    uint64_t         unstepped; // instructions that cannot be stepped unseen: the alarm was set right after them
};

struct stats {
    uint64_t           exits;
    struct histogram   cost[EXIT_KIND_COUNT]; // monitor cycles from the exit to the next entry, by kind
    struct timer_stats timer[STATS_TIMERS_MAX];
    uint64_t           alarms;        // host alarms that ended a slice
    uint64_t           injections;
    uint64_t           windows;
    struct meter       meter[METER_COUNT];
    struct delivery_stats delivery;
};

#endif
