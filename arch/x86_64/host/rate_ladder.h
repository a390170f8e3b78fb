// SPDX-License-Identifier: MIT
// Which clocks to believe about the counter's rate: the ladder of sources, what CPUID says as such sources, and the
// choice. Pure; tested natively. tsc.c measures, rate.h has the arithmetic of one pair.
#ifndef ARCH_X86_64_HOST_RATE_LADDER_H
#define ARCH_X86_64_HOST_RATE_LADDER_H

#include "arch/x86_64/host/rate.h"

// One source of the rate.
struct rate_source {
    const char *name; // null: this host does not have it
    struct rate rate;
    bool coarse; // can confirm another source, to 1 %, but not give the number
};

// Leaf 15h and its neighbour 16h (SDM 2A, CPUID; SDM 3B 18.7.3): the TSC is the core crystal times EBX / EAX. Where
// ECX does not name the crystal it is the one that the SDM names for the model, or this source is absent. `base_mhz` is
// leaf 16h's EAX, 0 where there is none.
struct leaf_15h {
    uint32_t eax, ebx, ecx;
};
struct rate_source rate_by_crystal(uint32_t signature, struct leaf_15h leaf, uint32_t base_mhz);

// Leaf 16h: the base frequency as it is on the box, up to half a percent from the TSC's. Never gives the number.
struct rate_source rate_by_base(uint32_t base_mhz);

// Leaf 40000010h of hypervisors: the TSC's rate in whole kHz.
struct rate_source rate_by_hypervisor(uint32_t khz);

enum rate_verdict {
    RATE_CONFIRMED,   // two sources agree
    RATE_UNCONFIRMED, // there is only one
    RATE_UNKNOWN,     // there is none
    RATE_CONTRADICTED // there are several, and no two of them agree
};

struct rate_choice {
    enum rate_verdict verdict;
    const struct rate_source *a, *b; // those that count, b null where there is only one
    uint64_t hz;
    bool round; // rate_choose()'s rule 1
};

// The first two sources, in the order they are given, that agree; else the first that a coarse one confirms; else the
// only one there is.
struct rate_choice rate_decide(const struct rate_source *sources, unsigned count);

// Does what this source says contradict the rate that was chosen?
bool rate_contradicts(const struct rate_source *source, uint64_t hz);

// How far two rates are apart: millionths of the second, of their middles, rounded to the nearest.
uint64_t rate_apart_ppm(struct rate a, struct rate b);

#endif
