// SPDX-License-Identifier: MIT
// A series of measurements of the same thing, kept in order: least, percentiles, greatest. Pure. A host that counts
// instructions gives one value however often it is asked; a real one is asked SPREAD_MAX times.
#ifndef VMM_BASE_SPREAD_H
#define VMM_BASE_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPREAD_MAX        256
#define SPREAD_TEXT_BYTES 120u

struct spread {
    uint32_t count;
    uint64_t sorted[SPREAD_MAX];
};

void spread_start(struct spread *spread);

// More than SPREAD_MAX are not kept.
void spread_add(struct spread *spread, uint64_t value);

// Is another measurement wanted? Sixty-four that are the same are enough: one in twenty that differs is then among them
// in 96 of 100 series.
bool spread_wants_more(const struct spread *spread);

// Of one value at least: the smallest that at least permille/1000 of all do not exceed; the greatest above the least;
// and the mean above the least, rounded up.
uint64_t spread_percentile(const struct spread *spread, unsigned permille);
uint64_t spread_width(const struct spread *spread);
uint64_t spread_bias(const struct spread *spread);

// As the log has it: "18 cycles, p50 18, p99 19, max 40". Returns its bytes, as format() does.
size_t spread_text(const struct spread *spread, const char *unit, char *out, size_t size);

static inline uint64_t spread_min(const struct spread *spread)
{
    return spread->sorted[0];
}

static inline uint64_t spread_max(const struct spread *spread)
{
    return spread->sorted[spread->count - 1];
}

#endif
