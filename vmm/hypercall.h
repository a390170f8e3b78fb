// SPDX-License-Identifier: MIT
// The monitor's own hypercalls: the oracle, which tests ask what the monitor knows.
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#include "vmm/vm.h"

// Call n of it; the numbers that a guest gives them are the architecture's. False: there is no such call, or the VM has
// no oracle.
bool hypercall_oracle(struct vcpu *vcpu, uint32_t call, uint64_t argument, uint64_t *result);

#endif
