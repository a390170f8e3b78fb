// SPDX-License-Identifier: MIT
// What the hardware's virtual timer can compare, found out by trying it.
#ifndef ARCH_ARM64_HOST_TIMERTRIAL_H
#define ARCH_ARM64_HOST_TIMERTRIAL_H

#include <stdbool.h>

// By how much a guest's counter starts ahead of the host's, where it may: 52 days at 1 GHz of the monitor's time.
#define COUNTER_LEAD (UINT64_C(1) << 52)

// Once, when virtualization is turned on, before any guest.
void timertrial(void);

// A guest's counter may be ahead of the host's, that is CNTVOFF_EL2 negative, and its virtual timer still
// interrupts.
bool timertrial_leads(void);

#endif
