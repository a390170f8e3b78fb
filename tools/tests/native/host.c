// SPDX-License-Identifier: MIT
// Shared by all host tests: see host.h. Provides the invariant_failed() that units.h leaves to its user; never used by
// the machine's own code.
#include "tools/tests/native/host.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void invariant_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "%s:%d: invariant failed: %s\n", file, line, expression);
    abort();
}

uint64_t host_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t host_random_range(uint64_t *state, uint64_t low, uint64_t high)
{
    unsigned __int128 span = (unsigned __int128)(high - low) + 1;
    return low + (uint64_t)((span * host_random(state)) >> 64);
}

uint64_t host_random_edgy(uint64_t *state)
{
    uint64_t shape = host_random(state);
    uint64_t top = UINT64_C(1) << (shape & 63);
    switch ((shape >> 6) & 7) {
    case 0: return 0;
    case 1: return top;
    case 2: return top - 1;
    case 3: return top + 1;
    case 4: return UINT64_MAX - (host_random(state) & 3);
    default: return host_random(state) >> (shape & 63);
    }
}
