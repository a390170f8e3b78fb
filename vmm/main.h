// SPDX-License-Identifier: MIT
// Where boot/<a>/main.c hands over to the monitor.
#ifndef VMM_MAIN_H
#define VMM_MAIN_H

#include "vmm/base/bootinfo.h"

// Runs every VM that the boot loader brought, one after the other, then ends the host with the first status that is
// not 0.
_Noreturn void vmm_main(const struct bootinfo *info);

#endif
