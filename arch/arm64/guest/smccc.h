// SPDX-License-Identifier: MIT
// The calls that a guest makes by HVC or SMC, one convention for both (Arm DEN0028, SMC Calling Convention 1.1).
#ifndef ARCH_ARM64_GUEST_SMCCC_H
#define ARCH_ARM64_GUEST_SMCCC_H

#include <stdbool.h>

#include "arch/arm64/host/firmware.h"

struct vcpu;

// Answers the call whose arguments are in the guest's x0 to x7. x0 to x3 have the results, everything else stays.
void smccc_call(struct vcpu *vcpu);

// Calls that do nothing but answer, in x0: the oracle's, and the versions of these calls and of PSCI. False: it is not
// one of these.
bool smccc_plain_call(struct vcpu *vcpu, uint64_t x[]);

#endif
