// SPDX-License-Identifier: MIT
// This processor's barriers, chosen once at boot (barrier_plan.h): they decide which of the two ways into a guest there
// are is taken from then on.
#ifndef ARCH_X86_64_BARRIER_H
#define ARCH_X86_64_BARRIER_H

// After the vendor is known, before the first world switch. Logs what is used, and what the CPU said. Not inline: its
// caller is not compiled for size.
__attribute__((noinline)) void barrier_init(void);

#endif
