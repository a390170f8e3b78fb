// SPDX-License-Identifier: MIT
// Accesses to the timer's system registers at known stamps: see exact.S.
#ifndef GUEST_TESTS_LIB_ARM64_EXACT_REGS_H
#define GUEST_TESTS_LIB_ARM64_EXACT_REGS_H

#include "guest-tests/lib/exact.h"

#define EXACT_REGISTER(name)                                                                                           \
    uint64_t name##_write_stamp(uint64_t value); /* stamps of the MSR, the MRS */                                      \
    uint64_t name##_read_stamp(uint64_t *value);                                                                       \
    uint64_t name##_read_at(uint64_t stamp)
EXACT_REGISTER(cntv_tval);
EXACT_REGISTER(cntv_cval);
EXACT_REGISTER(cntv_ctl);
EXACT_REGISTER(cntp_tval);
EXACT_REGISTER(cntp_cval);
EXACT_REGISTER(cntp_ctl);
// The timer expires that many ticks after the stamp that comes back.
uint64_t cntv_start(uint64_t ticks);
uint64_t cntp_start(uint64_t ticks);
uint64_t cntpct_read_stamp(uint64_t *value);
uint64_t cntpct_read_at(uint64_t stamp);

#endif
