// SPDX-License-Identifier: MIT
// The host's alarm: the local APIC's one-shot timer, divided by 1, vector VECTOR_ALARM. The world switch writes the
// initial count itself; everybody else uses these.
#ifndef ARCH_X86_64_HOST_TIMER_H
#define ARCH_X86_64_HOST_TIMER_H

#include <stdint.h>

void              hosttimer_init(void); // after hostapic_init()
void              hosttimer_set_hz(uint64_t hz);
uint64_t          hosttimer_hz(void);
volatile uint32_t *hosttimer_mmio(void); // initial-count register, null in x2APIC mode (then MSR 838h)
void              hosttimer_arm(uint32_t count); // interrupt after `count` ticks; 0 stops it
void              hosttimer_stop(void);
uint32_t          hosttimer_current(void); // ticks that are left

#endif
