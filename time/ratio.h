// SPDX-License-Identifier: MIT
// Exact ratios between clocks. Hz are kept as integers and every conversion is one multiplication and one division, so
// no rounded period exists anywhere to be accumulated. Reads of a clock round down, deadlines round up
// (time/TIME.md 2).
#ifndef TIME_RATIO_H
#define TIME_RATIO_H

#include "time/units.h"

// The rational num/den in lowest terms; den is never 0.
struct ratio {
    uint64_t num, den;
};

// num/den in lowest terms. den must not be 0.
struct ratio ratio_make(uint64_t num, uint64_t den);

// floor(x * num / den) and ceil(x * num / den), exact for all 64-bit arguments (the product is 128 bits wide).
// A quotient that does not fit saturates at UINT64_MAX, which is TIME_NEVER. den must not be 0.
uint64_t mul_div_floor(uint64_t x, uint64_t num, uint64_t den);
uint64_t mul_div_ceil(uint64_t x, uint64_t num, uint64_t den);

static inline uint64_t ratio_floor(struct ratio r, uint64_t x) { return mul_div_floor(x, r.num, r.den); }
static inline uint64_t ratio_ceil(struct ratio r, uint64_t x) { return mul_div_ceil(x, r.num, r.den); }

// The inverse ratio: deadlines go back from a device's ticks to V through it. num must not be 0.
static inline struct ratio ratio_inverse(struct ratio r) { return (struct ratio){ r.den, r.num }; }

// Saturating sum: a deadline beyond the end of time is TIME_NEVER, never a wrapped small number.
static inline uint64_t time_add(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

// Incremental conversion that never loses a fraction: the sum of all results of carry_step() equals
// floor(r * (sum of all deltas)), however the deltas are cut. `rem` is the numerator's remainder, < r.den.
struct carry {
    uint64_t rem;
};
uint64_t carry_step(struct carry *carry, struct ratio r, uint64_t delta);

#endif
