// SPDX-License-Identifier: MIT
// Host interrupts as the run loop takes them.
#ifndef ARCH_X86_64_INTERRUPTS_H
#define ARCH_X86_64_INTERRUPTS_H

// Once, when the rates of the counter and of the host's timer are known.
void interrupts_init(void);

#endif
