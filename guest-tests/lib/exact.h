// SPDX-License-Identifier: MIT
// Accesses at known stamps, as each architecture has them: see its exact.S for what a stamp is and why every path there
// has one length.
#ifndef GUEST_TESTS_LIB_EXACT_H
#define GUEST_TESTS_LIB_EXACT_H

#include "guest-tests/lib/guest.h"

#define TOO_LATE UINT64_MAX

// Do it now, return the stamp of the accessing instruction.
uint64_t write32_stamp(uint64_t address, uint64_t value);
uint64_t read32_stamp(uint64_t address, uint64_t *value);

// Do it at that stamp (at least 64 ahead), return what was read; TOO_LATE when the stamp has passed.
uint64_t wait_until(uint64_t stamp);
uint64_t read32_at(uint64_t stamp, uint64_t address);

// Jumps to the code, which finds the argument in R9 or X9; what the code returns.
uint64_t run_at(uint64_t stamp, void (*code)(void), uint64_t argument);

// Interrupts on, halt, interrupts off. Returns the stamp of the first.
uint64_t halt_until_interrupt(void);

#endif
