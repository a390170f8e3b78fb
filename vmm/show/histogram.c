// SPDX-License-Identifier: MIT
// Reading a histogram: percentiles and the mean. Adding is inline in the header because it runs on every exit; this
// file runs once, at the report. Pure; called by report.c.
#include "vmm/show/histogram.h"

#include <string.h>

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += histogram->bucket[i];
    return count;
}

// The smallest value that falls into bucket `index`: the inverse of histogram_index().
static uint64_t bucket_floor(unsigned index)
{
    if (index < 16)
        return index;
    return (uint64_t)(16 + (index & 15)) << ((index >> 4) - 1);
}

uint64_t histogram_percentile_of(const struct histogram *const histograms[], unsigned number, unsigned permille)
{
    uint64_t count = 0, max = 0, seen = 0;
    for (unsigned h = 0; h < number; h++) {
        count += histogram_count(histograms[h]);
        max = histograms[h]->max > max ? histograms[h]->max : max;
    }
    // ceil(count * permille / 1000) values must lie at or below the answer, one at least; whole thousands apart, so
    // nothing overflows.
    uint64_t wanted = count / 1000 * permille + (count % 1000 * permille + 999) / 1000;

    if (count == 0)
        return 0;
    if (wanted == 0)
        wanted = 1;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
        for (unsigned h = 0; h < number; h++)
            seen += histograms[h]->bucket[i];
        if (seen < wanted)
            continue;
        // A bucket's highest value is one below the next bucket's lowest: no value counted so far exceeds it.
        uint64_t top = bucket_floor(i + 1) - 1;
        return top < max ? top : max;
    }
    return max;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned permille)
{
    return histogram_percentile_of(&histogram, 1, permille);
}

uint64_t histogram_mean(const struct histogram *histogram)
{
    uint64_t count = histogram_count(histogram);

    return count == 0 ? 0 : histogram->sum / count;
}
