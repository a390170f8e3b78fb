// SPDX-License-Identifier: MIT
// Accesses at known stamps: see lib/exact.S for what a stamp is and why every path there has one length.
#ifndef GUEST_TESTS_LIB_EXACT_H
#define GUEST_TESTS_LIB_EXACT_H

#include "guest-tests/lib/guest.h"

#define TOO_LATE UINT64_MAX

// Do it now, return the stamp of the accessing instruction.
uint64_t outb_stamp(uint64_t port, uint64_t value);
uint64_t inb_stamp(uint64_t port, uint64_t *value);
uint64_t inl_stamp(uint64_t port, uint64_t *value);
uint64_t write32_stamp(uint64_t address, uint64_t value);
uint64_t read32_stamp(uint64_t address, uint64_t *value);
uint64_t wrmsr_stamp(uint64_t msr, uint64_t value);
uint64_t rdmsr_stamp(uint64_t msr, uint64_t *value);

// Do it at that stamp (at least 64 ahead), return what was read; TOO_LATE when the stamp has passed.
uint64_t wait_until(uint64_t stamp);
uint64_t inb_pair_at(uint64_t stamp, uint64_t port);
uint64_t inb_at(uint64_t stamp, uint64_t port);
void inl_pair_at(uint64_t stamp, uint64_t port, uint32_t pair[2]);
uint64_t inl_at(uint64_t stamp, uint64_t port);
uint64_t outb_at(uint64_t stamp, uint64_t port, uint64_t value);
uint64_t read32_at(uint64_t stamp, uint64_t address);
uint64_t rdmsr_at(uint64_t stamp, uint64_t msr);

uint64_t run_at(uint64_t stamp, void (*code)(void), uint64_t argument); // the argument in R9; what the code returns

// sti; hlt; cli. Returns the stamp of the STI.
uint64_t halt_until_interrupt(void);

#endif
