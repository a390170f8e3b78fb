// SPDX-License-Identifier: MIT
// Any instruction, run with every register given and taken back (slot.S, slot.c), at EL1 or EL0.
#ifndef GUEST_TESTS_LIB_ARM64_SLOT_H
#define GUEST_TESTS_LIB_ARM64_SLOT_H

#include "guest-tests/lib/guest.h"

#define SLOT_WORDS 5u

// X0 to X28 are loaded, the instructions run, and they are stored. X29 is the context's address, X30 the link.
struct slot_context {
    uint64_t x[32];
    uint64_t v[64];
};
void context_fill(struct slot_context *context, struct random *random);

// What is run: so many words, up to SLOT_WORDS. CPACR_EL1 must let the FPU be used.
void slot_set(const uint32_t *words, unsigned count);

void slot_run(uint64_t context); // for catch_trap()

// The same at EL0: slot_enter(&{ slot_at_el0, SPSR, context }), the last an address for EL0. It comes back by SVC.
extern const char slot_at_el0[];
void slot_enter(uint64_t frame);

#endif
