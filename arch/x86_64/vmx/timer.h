// SPDX-License-Identifier: MIT
// The VMX-preemption timer's arithmetic: SDM 3C 25.5.1 and 26.7.4. It counts down by 1 whenever bit `rate` of the TSC
// changes, in the guest only, from the value loaded at VM entry; at 0 the guest exits. Pure; tested natively.
#ifndef ARCH_X86_64_VMX_TIMER_H
#define ARCH_X86_64_VMX_TIMER_H

#include <stdbool.h>
#include <stdint.h>

// The value to load so that the timer runs out at the first step at or after `entry + cycles`: never early, and at
// most 2^rate - 1 cycles late. `entry` is the TSC at the VM entry: where in a step of the timer that falls decides
// whether one step more is needed. Beyond 32 bits the longest time there is: that alarm comes early and is set again.
// vmx/world.S has this in four instructions; with the assertions compiled in, each slice compares them.
uint32_t vmx_timer_value(uint64_t entry, uint64_t cycles, unsigned rate);

// Is this one of the processors whose timer counts at another rate than it says? `signature` is CPUID 1, EAX.
bool vmx_timer_broken(uint32_t signature);

#endif
