// SPDX-License-Identifier: MIT
// The host counter's rate, measured at boot; also the rate of the alarm.
#ifndef ARCH_X86_64_TSC_H
#define ARCH_X86_64_TSC_H

#include <stdint.h>

// Measures the TSC and the LAPIC timer against every independent clock of the machine in one window of 10 ms. Panics
// when no clock runs or when all clocks contradict each other.
void tsc_init(void);

// 0 before tsc_init().
uint64_t tsc_hz(void);

#endif
