// SPDX-License-Identifier: MIT
// Alarms that come before their deadline, and the steps from there to it.
#ifndef VMM_DELIVERY_H
#define VMM_DELIVERY_H

#include "vmm/vm.h"

void delivery_init(struct vcpu *vcpu, const struct monitor_config *monitor);

// The alarm of a slice that must end after `cycles`, for a vCPU that is run with care; ARCH_ONE_STEP where the guest is
// to be stepped.
uint64_t delivery_alarm(struct vcpu *vcpu, uint64_t cycles);

// A timer may be due at V.
void delivery_reached(struct vcpu *vcpu);

#endif
