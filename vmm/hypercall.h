// SPDX-License-Identifier: MIT
// The monitor's own hypercalls: the oracle, which tests ask what the monitor knows.
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#include "vmm/vm.h"

// False when the number is none of the oracle's, or the VM has no oracle.
bool hypercall_oracle(struct vcpu *vcpu, uint64_t number, uint64_t argument, uint64_t *result);

#endif
