// SPDX-License-Identifier: MIT
// The reference clocks of a PC, read-only and polled: what the host counter is measured against. Also the LAPIC timer,
// whose rate is measured the same way.
#ifndef ARCH_X86_64_HOST_REFCLOCK_H
#define ARCH_X86_64_HOST_REFCLOCK_H

#include "time/units.h"

enum refclock { REFCLOCK_HPET, REFCLOCK_PM_TIMER, REFCLOCK_PIT, REFCLOCK_COUNT, REFCLOCK_LAPIC = REFCLOCK_COUNT };

// The moment a clock's count became `count`: after counter value `low`, at or before `high`.
struct refclock_edge {
    htime_t  low, high;
    uint64_t count;
};

struct refclock_rate {
    uint64_t num, den; // Hz
};

const char *refclock_name(enum refclock clock);

// Starts the clock. False: the host does not have it.
bool                 refclock_start(enum refclock clock);
void                 refclock_stop(enum refclock clock);
struct refclock_rate refclock_rate(enum refclock clock);
uint64_t             refclock_read(enum refclock clock);

// How far the clock's count went from `from` to `to`; less than one wrap (55 ms for the PIT, more for all others).
uint64_t refclock_elapsed(enum refclock clock, uint64_t from, uint64_t to);

// Polls for tick edges and keeps the one that is bounded best. False: the count does not move. At most a few thousand
// reads.
bool refclock_edge(enum refclock clock, struct refclock_edge *out);

#endif
