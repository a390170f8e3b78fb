// SPDX-License-Identifier: MIT
// Power of a guest's CPUs and machine (Arm DEN0022, Power State Coordination Interface 1.1).
#ifndef ARCH_ARM64_GUEST_PSCI_H
#define ARCH_ARM64_GUEST_PSCI_H

#include "arch/arm64/host/firmware.h"

#define PSCI_VERSION_1_1 0x10001u

struct vcpu;

// The call with these arguments, x[0] the function's identifier. Returns what goes into x0.
uint64_t psci_call(struct vcpu *vcpu, const uint64_t x[]);

#endif
