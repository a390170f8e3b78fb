// SPDX-License-Identifier: MIT
// The ID registers as a guest reads them: op0 3, op1 0, CRn 0, CRm 1 to 7 (Arm ARM DDI 0487 D19.2). Pure.
#ifndef ARCH_ARM64_GUEST_IDREGS_H
#define ARCH_ARM64_GUEST_IDREGS_H

#include <stdbool.h>
#include <stdint.h>

#define IDREG_CRM_FIRST 1u
#define IDREG_CRM_LAST  7u

// Is there anything in this register that a guest may know? The others, the reserved ones among them, read 0.
bool idreg_is_shown(unsigned crm, unsigned op2);

// What a guest reads where the CPU has `host`; gic_version is that of the guest's interrupt controller.
uint64_t idreg_for_guest(unsigned crm, unsigned op2, uint64_t host, unsigned gic_version);

#endif
