// SPDX-License-Identifier: MIT
// What each exit asks for.
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

#include "vmm/vm.h"

// Does what one exit asks for.
void exit_dispatch(struct vcpu *vcpu, const struct exit *exit);

// What each kind costs under clock=guest+emu, at vm->vtime.hz.
void exit_price(struct vm *vm);

#endif
