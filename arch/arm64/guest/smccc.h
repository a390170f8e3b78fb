// SPDX-License-Identifier: MIT
// The calls that a guest makes by HVC or SMC, one convention for both (Arm DEN0028, SMC Calling Convention 1.1).
#ifndef ARCH_ARM64_GUEST_SMCCC_H
#define ARCH_ARM64_GUEST_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

#define SMCCC_SUCCESS       UINT64_C(0)
#define SMCCC_NOT_SUPPORTED UINT64_MAX // -1

#define SMCCC_VERSION       0x80000000u // PSCI_FEATURES knows this one, too
#define SMCCC_VERSION_1_1   0x10001
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_WORKAROUND_1  0x80008000u // branch predictor, CVE-2017-5715
#define SMCCC_WORKAROUND_3  0x80003fffu // and branch history, CVE-2022-23960

// Answers the call whose arguments are in the guest's x0 to x7. x0 to x3 have the results, everything else stays.
void smccc_call(struct vcpu *vcpu);

// Calls that do nothing but answer, in x0: the oracle's and the version of these calls. False: it is not one of these.
bool smccc_plain_call(struct vcpu *vcpu, uint64_t x[]);

#endif
