// SPDX-License-Identifier: MIT
// What clocks_agree.c asks of an architecture: its clocks, and an interrupt each millisecond.
#ifndef GUEST_TESTS_CLOCKS_AGREE_H
#define GUEST_TESTS_CLOCKS_AGREE_H

#include "guest-tests/lib/guest.h"

struct clock {
    const char *name;
    uint64_t hz;
    uint64_t (*read)(uint64_t *stamp);    // clocks since its origin, and the stamp of the read
    uint64_t (*expected)(uint64_t stamp); // what it must read there
    uint64_t (*origin)(void);             // the stamp where it read 0
    int64_t slow;                         // it may be that much behind, by its own arithmetic; 0: it is exact
    bool coarse;                          // too coarse to compare in nanoseconds with the others
    bool absent;
};

extern struct clock clocks[];
extern const unsigned clock_count;
extern const int64_t coarsest_ns, worst_ns; // one tick of the coarsest, and that with one of the next

void clocks_start(void);
void milliseconds_start(void); // interrupts are recorded from here on
void milliseconds_stop(void);

#endif
