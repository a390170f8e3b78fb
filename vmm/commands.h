// SPDX-License-Identifier: MIT
// What the monitor's keys ask for.
#ifndef VMM_COMMANDS_H
#define VMM_COMMANDS_H

#include "vmm/vm.h"

// Does what was asked for; while the VM is paused, waits for the letter that ends that.
__attribute__((cold, noinline)) void commands_obey(struct vcpu *vcpu);

#endif
