// SPDX-License-Identifier: MIT
// The two times of this project, and how "never" is written.
//
// Host time is what the host's counter says (TSC, CNTPCT). Apparent time V is what one VM is shown: every clock and
// every timer of that VM is a function of its V and of nothing else (law 2). Both are counted in cycles; V runs at the
// VM's own `hz`. A name that could hold either says which: `host_...`/`t0`/`t1` for the counter, `now`/`deadline` for
// V. Where a name says neither, its type does.
#ifndef TIME_UNITS_H
#define TIME_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t htime_t; // host counter, cycles
typedef uint64_t vtime_t; // apparent time V of one VM, cycles of its guest clock since it started

#define TIME_NEVER UINT64_MAX
#define NS_PER_S   UINT64_C(1000000000)

// A promise of our own that a guest cannot break. INVARIANT is compiled into every image: for an index, a length or a
// rate that memory or a division depends on, where no frequent exit passes. HOT_INVARIANT is compiled in with DEBUG=1
// and in every native test alone: for what a frequent exit passes, or what only makes a figure wrong.
_Noreturn void invariant_failed(const char *expression, const char *file, int line) __attribute__((cold));
#define INVARIANT(condition) ((condition) ? (void)0 : invariant_failed(#condition, __FILE__, __LINE__))
#ifdef ESCAPEMENT_DEBUG
#define HOT_INVARIANT(condition) INVARIANT(condition)
#else
#define HOT_INVARIANT(condition) ((void)sizeof(condition))
#endif

#endif
