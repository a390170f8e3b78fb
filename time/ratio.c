// SPDX-License-Identifier: MIT
// Exact conversion between clocks: see ratio.h. Called on every exit, for V to device ticks and for deadlines back to
// V, so each function tries 64 bits first: a 64-bit product and one hardware division. At 1 GHz and the PIT's rate that
// holds for the first four hours of V; after that the 128-bit product costs some 40 instructions more.
// Never rounds except once, at the end, in the direction that the name says.
#include "time/ratio.h"

typedef unsigned __int128 uint128_t;

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// Bound: none, all 64-bit arguments but den = 0.
struct ratio ratio_make(uint64_t num, uint64_t den)
{
    HOT_INVARIANT(den != 0);
    uint64_t common = greatest_common_divisor(num, den);
    return (struct ratio){ num / common, den / common };
}

// Bound: x * num <= (2^64 - 1)^2 < 2^128, so the product is exact; the quotient saturates from 2^64 on.
uint64_t mul_div_floor(uint64_t x, uint64_t num, uint64_t den)
{
    HOT_INVARIANT(den != 0);
    uint64_t product;
    if (!__builtin_mul_overflow(x, num, &product))
        return product / den;
    uint128_t quotient = (uint128_t)x * num / den;
    return quotient > UINT64_MAX ? UINT64_MAX : (uint64_t)quotient;
}

// Bound: as mul_div_floor(); adding den - 1 first could pass 2^128, so the remainder decides instead.
uint64_t mul_div_ceil(uint64_t x, uint64_t num, uint64_t den)
{
    HOT_INVARIANT(den != 0);
    uint64_t product;
    if (!__builtin_mul_overflow(x, num, &product))
        return product / den + (product % den != 0);
    uint128_t wide = (uint128_t)x * num;
    uint128_t quotient = wide / den;
    quotient += quotient * den != wide;
    return quotient > UINT64_MAX ? UINT64_MAX : (uint64_t)quotient;
}

// Bound: delta * num + rem <= (2^64 - 1)^2 + 2^64 - 1 < 2^128. A single result from 2^64 on saturates, which only a
// delta of centuries does.
uint64_t carry_step(struct carry *carry, struct ratio r, uint64_t delta)
{
    HOT_INVARIANT(carry->rem < r.den);
    uint64_t sum;
    if (!__builtin_mul_overflow(delta, r.num, &sum) && !__builtin_add_overflow(sum, carry->rem, &sum)) {
        carry->rem = sum % r.den;
        return sum / r.den;
    }
    uint128_t wide = (uint128_t)delta * r.num + carry->rem;
    uint128_t quotient = wide / r.den;
    carry->rem = (uint64_t)(wide - quotient * r.den);
    return quotient > UINT64_MAX ? UINT64_MAX : (uint64_t)quotient;
}
