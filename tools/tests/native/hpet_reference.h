// SPDX-License-Identifier: MIT
// A second HPET, one tick at a time: a counter, two comparators, equality. Slow and plain on purpose: test_hpet.c
// holds devices/hpet.c against it. Shares nothing with that code but the phase: the moment of enabling is a tick.
#ifndef TOOLS_TESTS_NATIVE_HPET_REFERENCE_H
#define TOOLS_TESTS_NATIVE_HPET_REFERENCE_H

#include "time/units.h"

#define REF_HPET_TIMERS 2

struct ref_hpet_timer {
    uint64_t comparator, last_written;
    bool level, interrupt, periodic, set_value, narrow;
    unsigned route;
    uint64_t pulses;
    bool up; // the output of an edge-triggered timer
};

struct ref_hpet {
    uint64_t hz, clock; // clock: 10^7 is added each cycle of V, a tick takes hz
    uint64_t counter, last_event;
    bool enabled, legacy, status[REF_HPET_TIMERS];
    struct ref_hpet_timer timer[REF_HPET_TIMERS];
};

void ref_hpet_init(struct ref_hpet *ref, uint64_t hz);
void ref_hpet_run(struct ref_hpet *ref, vtime_t from, vtime_t to);
void ref_hpet_write(struct ref_hpet *ref, unsigned offset, unsigned size, uint64_t value);
uint64_t ref_hpet_read(const struct ref_hpet *ref, unsigned offset, unsigned size);
// Of the output, whatever it is triggered by.
bool ref_hpet_level(const struct ref_hpet *ref, unsigned timer);

#endif
