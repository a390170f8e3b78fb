// SPDX-License-Identifier: MIT
// The dice of a guest that means harm: all that it does follows from its seed. What it does is its architecture's.
#ifndef GUEST_TESTS_HOSTILE_H
#define GUEST_TESTS_HOSTILE_H

#include "guest-tests/lib/guest.h"

extern struct random rng;
void     seed_dice(uint64_t seed);
uint64_t below(uint64_t bound);
uint64_t one_of(const uint64_t *values, uint64_t count);

#define ONE_OF(...) one_of((const uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

#endif
