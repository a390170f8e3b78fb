// SPDX-License-Identifier: MIT
// The stack protector: each function that keeps an array, or whose local's address is known elsewhere, holds a copy of
// one value between its locals and its return address, and looks at it before it returns. A stack's end is the guard
// page's business (hoststack.h), a frame's end is this one's.
#ifndef VMM_BASE_STACKGUARD_H
#define VMM_BASE_STACKGUARD_H

#include <stdint.h>

// For functions that every exit passes through: they hold no array, and write what they hold by field alone. A check
// there would cost each exit up to 24 instructions.
#define NO_STACKGUARD __attribute__((no_stack_protector))

// Makes the value of this boot, of the counter at the hand-over and of what chance the CPU offers (0: none). Called by
// a function that never returns, because its own copy would be the value of before. The value is never shown.
void stackguard_make(uint64_t counter, uint64_t chance);

#endif
