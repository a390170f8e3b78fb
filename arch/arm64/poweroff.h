// SPDX-License-Identifier: MIT
// The end of the machine before there is a board (else: arch_machine_exit()).
#ifndef ARCH_ARM64_POWEROFF_H
#define ARCH_ARM64_POWEROFF_H

#include "arch/arm64/board.h"

// Asks the firmware, by this conduit, to turn the machine off. Stops for good when there is none.
_Noreturn void psci_system_off(enum psci_conduit conduit);

#endif
