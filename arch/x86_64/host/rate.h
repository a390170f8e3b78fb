// SPDX-License-Identifier: MIT
// How a rate is found from two clocks: pure interval arithmetic, tested natively. Every measurement is an interval that
// is certain to hold the truth, as far as the reference clock's own nominal rate is true.
#ifndef ARCH_X86_64_HOST_RATE_H
#define ARCH_X86_64_HOST_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint64_t low_hz, high_hz;
};

// A clock went through exactly `ticks` tick edges while the measured counter advanced by at least cycles_low and at
// most cycles_high; the clock runs at num/den Hz. False: nothing can be said (no ticks, no cycles, or too many to
// compute).
bool rate_measured(uint64_t cycles_low, uint64_t cycles_high, uint64_t ticks, uint64_t num, uint64_t den,
                   struct rate *out);

// The interval widened by `ppm` millionths on both sides: how well the nominal rate itself is known.
struct rate rate_widened(struct rate rate, uint64_t ppm);

uint64_t rate_middle(struct rate rate);

// Do two rates agree: are their middles within 0.1 % of each other?
bool rate_agree(struct rate a, struct rate b);

// One number out of two rates that agree, the first of them the more trusted.
//   1. Of the multiples of 10^9 Hz, then 10^8 Hz, ... 10^3 Hz, the first power of ten that has any inside the overlap
//      of the intervals decides. Exactly one inside, and the overlap so narrow that this is no accident (at most 100
//      ppm of the rate, or at most 1/500 of the power of ten): it is taken as the true rate, for it is inside the error
//      bounds of both clocks, and counters are made with round rates.
//   2. Else the middle of the overlap.
//   3. The intervals do not overlap: one reference clock is off by more than its resolution. The first is believed, and
//      its interval stands for the overlap.
// *round tells whether rule 1 applied.
uint64_t rate_choose(struct rate a, struct rate b, bool *round);

#endif
