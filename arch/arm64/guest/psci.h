// SPDX-License-Identifier: MIT
// Power of a guest's CPUs and machine (Arm DEN0022, Power State Coordination Interface 1.1).
#ifndef ARCH_ARM64_GUEST_PSCI_H
#define ARCH_ARM64_GUEST_PSCI_H

#include <stdint.h>

struct vcpu;

// Their 32-bit forms.
enum psci_function {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_SUSPEND = 0x84000001,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON = 0x84000003,
    PSCI_AFFINITY_INFO = 0x84000004,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
    PSCI_SYSTEM_RESET2 = 0x84000012,
};

// The call with these arguments, x[0] the function's identifier. Returns what goes into x0.
uint64_t psci_call(struct vcpu *vcpu, const uint64_t x[]);

#endif
