// SPDX-License-Identifier: MIT
// A histogram of 64-bit values in constant space: 16 linear steps in each power of two, so a percentile read from it is
// exact below 32 and within 1/16 above. Pure; every exit pays for one histogram_add(), so that is a dozen instructions
// without a branch that is taken: the count is not kept, the buckets have it.
#ifndef VMM_SHOW_HISTOGRAM_H
#define VMM_SHOW_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS (61 * 16) // 0..15, and 16 for each power of two from 2^4 to 2^63

struct histogram {
    uint64_t sum, max;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);

static inline unsigned histogram_index(uint64_t value)
{
    unsigned top = 63u ^ (unsigned)__builtin_clzll(value | 16); // >= 4
    return (top << 4) - 64u + (unsigned)(value >> (top - 4u));  // the shifted value is 16..31, or below with top 4
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->sum += value;
    if (__builtin_expect(value > histogram->max, 0))
        histogram->max = value;
    histogram->bucket[histogram_index(value)]++;
}

uint64_t histogram_count(const struct histogram *histogram);

// The smallest bucket value that at least permille/1000 of all values do not exceed, never above max; 0 when empty.
uint64_t histogram_percentile(const struct histogram *histogram, unsigned permille);

// The same of the values of several.
uint64_t histogram_percentile_of(const struct histogram *const histograms[], unsigned number, unsigned permille);
uint64_t histogram_mean(const struct histogram *histogram);

#endif
