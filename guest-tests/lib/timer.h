// SPDX-License-Identifier: MIT
// One timer that every CPU has beside its counter: the local APIC's one-shot, the virtual timer CNTV (timer.c of the
// architecture). A test that asks the same question of both uses it by these names.
#ifndef GUEST_TESTS_LIB_TIMER_H
#define GUEST_TESTS_LIB_TIMER_H

#include "guest-tests/lib/exact.h"

void timer_init(void);                                 // its arrivals are recorded; it is not running
uint64_t timer_start(uint64_t count);                  // expires `count` of its ticks after the stamp that comes back
uint64_t timer_stamp(uint64_t origin, uint64_t count); // the stamp of that moment
uint64_t timer_hz(void);
void timer_stop(void);

#endif
