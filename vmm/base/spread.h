// SPDX-License-Identifier: MIT
// The least and the greatest of a series of measurements: start with { UINT64_MAX, 0 }.
#ifndef VMM_BASE_SPREAD_H
#define VMM_BASE_SPREAD_H

#include <stdint.h>

struct spread {
    uint64_t min, max;
};

static inline void spread_add(struct spread *spread, uint64_t value)
{
    if (value < spread->min)
        spread->min = value;
    if (value > spread->max)
        spread->max = value;
}

#endif
