// SPDX-License-Identifier: MIT
// What counter_leak.c asks of an architecture: two reads of the counter with an exit between them, and a loop of exits.
#ifndef GUEST_TESTS_COUNTER_LEAK_H
#define GUEST_TESTS_COUNTER_LEAK_H

#include "guest-tests/lib/guest.h"

struct leak {
    const char *name;
    uint64_t (*section)(void); // the difference of the two reads
    uint64_t beside;           // instructions beside the exiting one
    bool needs_escapement;
};

extern const struct leak leaks[];
extern const unsigned leak_count;
uint64_t leak_none(void);
void counter_leak_prepare(void);

// `exits` rounds of an exit and two more instructions; what the counter advanced by, sum_own of it outside the rounds.
uint64_t exit_loop(uint64_t exits);
extern const uint64_t sum_own;

#endif
