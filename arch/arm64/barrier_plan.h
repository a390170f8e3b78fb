// SPDX-License-Identifier: MIT
// Which barriers against trained branches this processor needs when a guest leaves it: from what its ID registers and
// the firmware say. Pure; tested natively.
#ifndef ARCH_ARM64_BARRIER_PLAN_H
#define ARCH_ARM64_BARRIER_PLAN_H

#include <stdbool.h>

#include "arch/arm64/host/firmware.h"

struct barrier_facts {
    unsigned csv2;         // ID_AA64PFR0_EL1: from 1 on branches are kept apart, from 3 on their history, too
    unsigned ecbhb;        // ID_AA64MMFR1_EL1: no history from before an exception is used after it
    unsigned clrbhb;       // ID_AA64ISAR2_EL1: there is an instruction that clears it
    int32_t  workaround_1; // what SMCCC_ARCH_FEATURES says of each: 0: call it, 1: not needed here, negative: not there
    int32_t  workaround_3;
};

struct barrier_plan {
    uint32_t call;           // of firmware, at each exit and before each VM; 0: none
    bool     clears_history; // CLRBHB
    bool     open;           // the processor does not say that it needs none, and there is none
};

// Arm ARM D17.2.64 (ID_AA64PFR0_EL1) and its neighbours; DEN0028 7.3 to 7.6.
struct barrier_plan barrier_plan(const struct barrier_facts *facts);

#endif
