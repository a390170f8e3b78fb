// SPDX-License-Identifier: MIT
// The dice of a guest that means harm: see hostile.h.
#include "guest-tests/hostile.h"

struct random rng;

void seed_dice(uint64_t seed)
{
    rng.state = seed * 0x9e3779b97f4a7c15u;
}

uint64_t below(uint64_t bound)
{
    return random_next(&rng) % bound;
}

uint64_t one_of(const uint64_t *values, uint64_t count)
{
    return values[below(count)];
}
