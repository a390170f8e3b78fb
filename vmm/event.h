// SPDX-License-Identifier: MIT
// What is pending, and the guest.
#ifndef VMM_EVENT_H
#define VMM_EVENT_H

#include "vmm/vm.h"

// Makes the hardware deliver what is pending, or ask for a window. Wakes a halted vCPU.
void events_deliver(struct vcpu *vcpu);

#endif
