// SPDX-License-Identifier: MIT
// This processor's barriers, chosen once at boot (barrier_plan.h): they decide which of the two ways into a guest there
// are is taken from then on.
#ifndef ARCH_X86_64_BARRIER_H
#define ARCH_X86_64_BARRIER_H

#include "arch/x86_64/barrier_plan.h"

// With the assertions compiled in every CPU takes the guarded way, and does on it what any CPU can.
#ifdef ESCAPEMENT_DEBUG
#define BARRIER_ENTRY_TRIED BARRIER_BUFFERS
#define BARRIER_EXIT_TRIED  BARRIER_RETURNS
#else
#define BARRIER_ENTRY_TRIED 0
#define BARRIER_EXIT_TRIED  0
#endif

// After the vendor is known, before the first world switch. Logs what is used, and what the CPU said. Not inline: its
// caller is not compiled for size.
__attribute__((noinline)) void barrier_init(void);

#endif
