// SPDX-License-Identifier: MIT
// The host counter's rate, measured at boot; also the rate of the alarm.
#ifndef ARCH_X86_64_HOST_TSC_H
#define ARCH_X86_64_HOST_TSC_H

#include "arch/host.h"

// Measures the TSC and the LAPIC timer against every independent clock of the host in one window of 10 ms, and asks
// CPUID. Panics when nothing is known or when no two sources agree.
void tsc_init(void);

// How this processor can scale the counter for a guest: the backend's word.
void tsc_set_scaling(struct counterscale_format scaling);

#endif
