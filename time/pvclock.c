// SPDX-License-Identifier: MIT
// The clock page's arithmetic: see pvclock.h. Called when a guest enables its page, after its TSC was written, and by
// the tests as a reader. Writes only the page it is given; barriers and the copy into guest memory are the caller's.
// Never computes a new line from the host's clock: a new anchor lies on the old line, to the last bit (anchor.frac),
// which time/TIME.md 5 explains.
#include "time/pvclock.h"
#include "time/ratio.h"

#define SHIFT_MAX 31

typedef unsigned __int128 uint128_t;

// Doubles one side until cycles / 2 <= ns < cycles; then ns / cycles is the 32-bit fraction mul, in [2^31, 2^32).
// Bound: ns <= 10^9 * 2^31 < 2^61 and cycles < 2^64.
bool pvclock_scale(uint64_t hz, struct pvclock_scale *scale)
{
    if (hz == 0)
        return false;
    uint64_t ns = NS_PER_S;
    uint64_t cycles = hz;
    int8_t shift = 0;
    for (; cycles <= ns; shift++)
        cycles <<= 1;
    for (; cycles - ns > ns; shift--) {
        if (shift == -SHIFT_MAX)
            return false;
        ns <<= 1;
    }
    *scale = (struct pvclock_scale){ .mul = (uint32_t)mul_div_floor(ns, UINT64_C(1) << 32, cycles), .shift = shift };
    return true;
}

// A reader with a negative shift sees the TSC in steps of 2^-shift cycles. While the scale stays, the anchor moves by
// whole steps only: then old and new page count the same steps, and at `tsc` the new page reads 0 or 1 ns (the fraction
// the old page could not show) above the old one. A new scale has to start at `tsc` itself; the step not yet counted
// adds less than 1 ns once.
// Bound: (delta << shift) * mul < 2^127; a step's share has 32 - shift <= 63 fraction bits, so frac is exact.
void pvclock_reanchor(struct pvclock_anchor *anchor, uint64_t tsc, struct pvclock_scale new_scale)
{
    struct pvclock_scale scale = anchor->scale;
    unsigned left = scale.shift > 0 ? (unsigned)scale.shift : 0;
    unsigned right = scale.shift < 0 ? (unsigned)-scale.shift : 0;
    uint64_t delta = tsc - anchor->tsc;
    HOT_INVARIANT((int64_t)delta >= 0);
    HOT_INVARIANT(left <= SHIFT_MAX && right <= SHIFT_MAX);
    bool same = scale.mul == new_scale.mul && scale.shift == new_scale.shift;
    uint64_t part = delta & ((UINT64_C(1) << right) - 1);
    uint128_t steps_ns = ((uint128_t)(delta >> right) << left) * scale.mul;
    uint64_t part_frac = same ? 0 : (part * scale.mul) << (32 - right);
    uint128_t frac = (uint128_t)anchor->frac + part_frac + ((uint64_t)steps_ns << 32);
    anchor->tsc = same ? tsc - part : tsc;
    anchor->ns += (uint64_t)(steps_ns >> 32) + (uint64_t)(frac >> 64);
    anchor->frac = (uint64_t)frac;
    anchor->scale = new_scale;
}

void pvclock_write_begin(struct pvclock_page *page)
{
    page->version = (page->version + 1) | 1;
}

void pvclock_write_body(struct pvclock_page *page, const struct pvclock_anchor *anchor, uint8_t flags)
{
    page->pad0 = 0;
    page->tsc_timestamp = anchor->tsc;
    page->system_time_ns = anchor->ns;
    page->tsc_to_system_mul = anchor->scale.mul;
    page->tsc_shift = anchor->scale.shift;
    page->flags = (uint8_t)(flags | (page->flags & PVCLOCK_GUEST_STOPPED));
    page->pad[0] = 0;
    page->pad[1] = 0;
}

// Even whatever the guest has scribbled over the version since write_begin.
void pvclock_write_end(struct pvclock_page *page)
{
    page->version = (page->version | 1) + 1;
}

// Bound: the shifted delta is cut to 64 bits as in every reader: 292 years of any clock that pvclock_scale() accepts.
// The product has 96 bits. The page is guest memory, so a shift count is reduced as the shift instruction does.
uint64_t pvclock_eval_ns(const struct pvclock_page *page, uint64_t tsc)
{
    uint64_t delta = tsc - page->tsc_timestamp;
    if (delta >> 63 != 0) // negative: this CPU's counter trails
        delta = 0;
    if (page->tsc_shift < 0)
        delta >>= (unsigned)-page->tsc_shift & 63;
    else
        delta <<= (unsigned)page->tsc_shift & 63;
    return page->system_time_ns + (uint64_t)(((uint128_t)delta * page->tsc_to_system_mul) >> 32);
}

// Bound: now % hz < 2^64 and NS_PER_S < 2^30; the quotient is below NS_PER_S.
struct pvclock_pairing pvclock_pair(uint64_t wall_start_s, vtime_t now, uint64_t hz, uint64_t tsc)
{
    return (struct pvclock_pairing){
        .sec = (int64_t)(wall_start_s + now / hz),
        .nsec = (int64_t)mul_div_floor(now % hz, NS_PER_S, hz),
        .tsc = tsc,
    };
}
