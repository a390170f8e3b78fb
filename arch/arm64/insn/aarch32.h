// SPDX-License-Identifier: MIT
// What is different about an AArch32 application of a guest when one of its instructions has trapped (Arm ARM DDI 0487
// G1, and ESR_EL2's fields CV and COND). And the order of bytes in memory, which both states can turn round. Pure.
#ifndef ARCH_ARM64_INSN_AARCH32_H
#define ARCH_ARM64_INSN_AARCH32_H

#include <stdbool.h>
#include <stdint.h>

// A conditional instruction may trap although its condition fails; then nothing is to be done but step over it. For the
// classes whose syndrome has a condition.
bool aarch32_condition_holds(uint64_t esr, uint64_t pstate);

// PSTATE after the instruction: an IT block of T32 goes on.
uint64_t aarch32_stepped(uint64_t pstate);

// Is data big-endian to the code that runs with this PSTATE, at EL0 or EL1?
bool guest_is_big_endian(uint64_t pstate, uint64_t sctlr_el1);

#endif
