// SPDX-License-Identifier: MIT
// The report card as a person sees it: its lines on console and screen, and the same text as a QR code.
#ifndef VMM_REPORTCARD_H
#define VMM_REPORTCARD_H

#include "vmm/base/bootinfo.h"

// Before anything is refused: on a host without virtualization it says why, by *refusal.
void reportcard_print(const struct bootinfo *info, bool can, const struct refusal *refusal);

// What was printed, beside itself on the screen; else a sentence says why there is no code. No guest may run after it.
void reportcard_show_code(void);

#endif
