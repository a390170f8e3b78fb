// SPDX-License-Identifier: MIT
// Calls of firmware by number, those that the monitor makes and those that it answers: the convention (Arm DEN0028, SMC
// Calling Convention 1.1) and power (Arm DEN0022, Power State Coordination Interface 1.1).
#ifndef ARCH_ARM64_HOST_FIRMWARE_H
#define ARCH_ARM64_HOST_FIRMWARE_H

#include <stdint.h>

#define SMCCC_SUCCESS       UINT64_C(0)
#define SMCCC_NOT_SUPPORTED UINT64_MAX // -1

#define SMCCC_VERSION       0x80000000u // PSCI_FEATURES knows this one, too
#define SMCCC_VERSION_1_1   0x10001
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_WORKAROUND_1  0x80008000u // branch predictor, CVE-2017-5715
#define SMCCC_WORKAROUND_3  0x80003fffu // and branch history, CVE-2022-23960

// The 32-bit forms.
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

#endif
