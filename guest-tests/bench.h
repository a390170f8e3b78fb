// SPDX-License-Identifier: MIT
// A table of round trips: bench.c makes the lines, the architecture has what is timed.
#ifndef GUEST_TESTS_BENCH_H
#define GUEST_TESTS_BENCH_H

#include "guest-tests/lib/guest.h"

// One line: least, mean and most of `rounds=` calls of the section (1000), `beside` taken out of each.
void bench(const char *name, uint64_t (*section)(void), uint64_t beside);

void bench_all(void);
extern const char *const bench_counter;

#endif
