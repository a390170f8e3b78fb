// SPDX-License-Identifier: MIT
// What every host test links besides the code it tests: the end of a broken invariant, and random numbers that are the
// same on every machine. A test never draws from the clock or from the C library's generator, so a failure repeats.
#ifndef TOOLS_TESTS_NATIVE_HOST_H
#define TOOLS_TESTS_NATIVE_HOST_H

#include "time/units.h"

// The next of a SplitMix64 sequence (Steele, Lea, Flood 2014). *state is the seed, any value will do.
uint64_t host_random(uint64_t *state);

// A number in [low, high], each equally likely to within 2^-64 of the range. low must not exceed high.
uint64_t host_random_range(uint64_t *state, uint64_t low, uint64_t high);

// A number whose length in bits is random, often 0, a power of two, its neighbour, or all ones: where arithmetic
// breaks.
uint64_t host_random_edgy(uint64_t *state);

#endif
