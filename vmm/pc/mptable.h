// SPDX-License-Identifier: MIT
// The MP table (Intel MultiProcessor Specification 1.4), for guests that do not read ACPI.
#ifndef VMM_PC_MPTABLE_H
#define VMM_PC_MPTABLE_H

#include "vmm/base/types.h"

#define GUEST_MPTABLE_BASE 0xf0000u // 4.: the last area in which a guest looks, 64 KiB

// Writes the floating pointer and the table; ram.size must be at least 1 MiB.
void guest_mptable_build(struct guest_ram ram, unsigned cpus);

#endif
