// SPDX-License-Identifier: MIT
// One trip through the house after the other.
#ifndef VMM_RUN_H
#define VMM_RUN_H

#include "vmm/vm.h"

// Runs the vCPU until its VM ends.
void vcpu_run(struct vcpu *vcpu);

#endif
