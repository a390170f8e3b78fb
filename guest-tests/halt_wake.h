// SPDX-License-Identifier: MIT
// What halt_wake.c asks of an architecture: its way to halt, and where the handler stands then.
#ifndef GUEST_TESTS_HALT_WAKE_H
#define GUEST_TESTS_HALT_WAKE_H

#include "guest-tests/lib/guest.h"

void halt_code(void);                                 // for run_at(): halts, and lets the interrupt in
extern const char halt_code_after[];                  // what it interrupts
uint64_t halt_expected(uint64_t start, uint64_t due); // the handler's stamp; the code began at `start`
extern const uint64_t halt_lag; // of halt_until_interrupt(): from the end of the halt to the handler

// The wake-ups that only this architecture has.
extern const unsigned halt_extra_claims;
void halt_extra(void);

#endif
