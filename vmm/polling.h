// SPDX-License-Identifier: MIT
// Guests that wait by counting their accesses.
#ifndef VMM_POLLING_H
#define VMM_POLLING_H

#include "vmm/vm.h"

// Has the guest made a million accesses to ports and devices in next to no time? The log says so, once.
void polling_look(struct vcpu *vcpu, const struct exit *exit);

#endif
