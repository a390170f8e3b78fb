// SPDX-License-Identifier: MIT
// A series of measurements of the same thing. Called by calibration, at the start.
#include "vmm/base/spread.h"

#include "vmm/base/format.h"

#define ENOUGH_OF_THE_SAME 64

void spread_start(struct spread *spread)
{
    spread->count = 0;
}

void spread_add(struct spread *spread, uint64_t value)
{
    if (spread->count == SPREAD_MAX)
        return;
    uint32_t at = spread->count++;
    for (; at != 0 && spread->sorted[at - 1] > value; at--)
        spread->sorted[at] = spread->sorted[at - 1];
    spread->sorted[at] = value;
}

bool spread_wants_more(const struct spread *spread)
{
    return spread->count < ENOUGH_OF_THE_SAME || (spread->count < SPREAD_MAX && spread_width(spread) != 0);
}

uint64_t spread_percentile(const struct spread *spread, unsigned permille)
{
    uint32_t wanted = (spread->count * permille + 999) / 1000;
    return spread->sorted[wanted == 0 ? 0 : wanted - 1];
}

uint64_t spread_width(const struct spread *spread)
{
    return spread_max(spread) - spread_min(spread);
}

uint64_t spread_bias(const struct spread *spread)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < spread->count; i++)
        sum += spread->sorted[i] - spread->sorted[0];
    return (sum + spread->count - 1) / spread->count;
}

size_t spread_text(const struct spread *spread, const char *unit, char *out, size_t size)
{
    return format(out, size, "%lu %s, p50 %lu, p99 %lu, max %lu", spread_min(spread), unit,
                  spread_percentile(spread, 500), spread_percentile(spread, 990), spread_max(spread));
}
