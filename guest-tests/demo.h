// SPDX-License-Identifier: MIT
// What demo.c needs of an architecture: a slow timer that ticks each 10 ms, a fast one each ms, and a device to write
// to.
#ifndef GUEST_TESTS_DEMO_H
#define GUEST_TESTS_DEMO_H

#include "guest-tests/lib/guest.h"

struct demo {
    const char *counter, *slow, *fast, *fast_in_full, *writes; // names
    uint64_t slow_hz, slow_period;                             // a tick is that many clocks of that rate
    uint64_t fast_hz;                                          // its tick is a thousandth of that many
};

struct demo demo_describe(void);
uint64_t demo_start(void); // both timers tick, interrupts still off; the slow one's origin
void demo_halt(void);      // with interrupts on, until one has come
void demo_device_write(unsigned value);
void demo_other_clocks(void); // one line each
uint32_t demo_fast_count(void);
void demo_slow_tick(void);
void demo_fast_tick(void);

#endif
