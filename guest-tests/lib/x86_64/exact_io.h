// SPDX-License-Identifier: MIT
// Port and MSR accesses at known stamps: see exact.S.
#ifndef GUEST_TESTS_LIB_X86_64_EXACT_IO_H
#define GUEST_TESTS_LIB_X86_64_EXACT_IO_H

#include "guest-tests/lib/exact.h"

// Do it now, return the stamp of the accessing instruction.
uint64_t outb_stamp(uint64_t port, uint64_t value);
uint64_t inb_stamp(uint64_t port, uint64_t *value);
uint64_t inl_stamp(uint64_t port, uint64_t *value);
uint64_t wrmsr_stamp(uint64_t msr, uint64_t value);
uint64_t rdmsr_stamp(uint64_t msr, uint64_t *value);

// Do it at that stamp (at least 64 ahead), return what was read; TOO_LATE when the stamp has passed.
uint64_t inb_pair_at(uint64_t stamp, uint64_t port);
uint64_t inb_at(uint64_t stamp, uint64_t port);
void inl_pair_at(uint64_t stamp, uint64_t port, uint32_t pair[2]);
uint64_t inl_at(uint64_t stamp, uint64_t port);
uint64_t outb_at(uint64_t stamp, uint64_t port, uint64_t value);
uint64_t rdmsr_at(uint64_t stamp, uint64_t msr);

#endif
