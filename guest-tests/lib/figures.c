// SPDX-License-Identifier: MIT
// Random numbers that are the same on every run, and the spread of a series.
#include "guest-tests/lib/guest.h"

// xorshift64* (Vigna 2014): the same numbers on every run.
uint64_t random_next(struct random *random)
{
    uint64_t x = random->state ? random->state : 0x9e3779b97f4a7c15u;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return x * 0x2545f4914f6cdd1du;
}

void spread_add(struct spread *spread, int64_t value)
{
    if (spread->count == 0 || value < spread->min)
        spread->min = value;
    if (spread->count == 0 || value > spread->max)
        spread->max = value;
    spread->sum += value;
    spread->count++;
}
