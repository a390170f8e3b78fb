// SPDX-License-Identifier: MIT
// Host noise on purpose (law 9).
#ifndef VMM_NOISE_H
#define VMM_NOISE_H

#include "vmm/vm.h"

void noise_work(struct vcpu *vcpu);

// Returns the alarm, possibly shortened.
uint64_t noise_alarm(struct vm *vm, uint64_t alarm_cycles);

#endif
