// SPDX-License-Identifier: MIT
// This processor's barriers, chosen once at boot (barrier_plan.h): they decide which of the two tables of vectors an
// exit comes through from then on.
#ifndef ARCH_ARM64_BARRIER_H
#define ARCH_ARM64_BARRIER_H

// With the assertions compiled in every CPU takes the guarded way.
#ifdef ESCAPEMENT_DEBUG
#define BARRIER_TRIED true
#else
#define BARRIER_TRIED false
#endif

// Before the first world switch. Logs what is used, and what the CPU and its firmware said.
void barrier_init(void);

#endif
