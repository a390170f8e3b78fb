// SPDX-License-Identifier: MIT
// The second witness of G: the PMU's cycle counter (Arm ARM D13), which counts at EL0 and EL1 and stands still at EL2.
// It runs by itself; nothing is done at an exit.
#ifndef ARCH_ARM64_METER_H
#define ARCH_ARM64_METER_H

#include "vmm/vm.h"

// Is there a PMU of version 3? The guest does not see it.
bool meter_present(void);

// Its rate beside the counter's, found out by counting at EL2 for a moment; then it counts the guest.
void meter_init(void);

uint64_t meter_counts(void);

// What the counter counted since counts_at_start, less what it counts in each exit besides the guest's instructions,
// into stats.meter.
void meter_read(struct vcpu *vcpu, uint64_t counts_at_start);

#endif
