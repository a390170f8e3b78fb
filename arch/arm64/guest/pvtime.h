// SPDX-License-Identifier: MIT
// Stolen time for a guest (Arm DEN0057A): the page that holds its structure, which the guest may only read, and the two
// calls that lead it there.
#ifndef ARCH_ARM64_GUEST_PVTIME_H
#define ARCH_ARM64_GUEST_PVTIME_H

#include "arch/arm64/vcpu.h"

#define PVTIME_IPA UINT64_C(0x090a0000) // where stage 2 maps the page

// Function identifiers of version 1.0. Drafts of 2019 had stolen time at ...22 and the live physical time at ...21.
#define PV_TIME_FEATURES 0xc5000020u
#define PV_TIME_ST       0xc5000021u

// False: out of memory.
bool pvtime_init(struct pvtime *pvtime);
void pvtime_free(struct pvtime *pvtime);

// PV_TIME_FEATURES of a call's identifier; PV_TIME_ST: where the structure is.
uint64_t pvtime_features(uint32_t call);
uint64_t pvtime_stolen_ipa(struct vcpu *vcpu, struct pvtime *pvtime);

void pvtime_publish(struct vcpu *vcpu, struct pvtime *pvtime);

// Before each entry. The account S is host time, and so is V under clock=wall. V of a guest clock stands still while
// the vCPU does not run: there nothing is ever stolen from it, and what it can see depends on itself alone (law 9).
static inline void pvtime_before_entry(struct vcpu *vcpu, struct pvtime *pvtime)
{
    if (stolen_time_changed(&pvtime->stolen, vcpu->ledger.total[ACCOUNT_STOLEN]) &&
        vcpu->vm->vtime.clock == CLOCK_WALL)
        pvtime_publish(vcpu, pvtime);
}

#endif
