// SPDX-License-Identifier: MIT
// The host's stacks, each above a guard page that is not mapped, for the backtrace and for the sentence about one that
// has overflowed.
#ifndef VMM_BASE_HOSTSTACK_H
#define VMM_BASE_HOSTSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack_bounds {
    uintptr_t   guard; // one page, not mapped
    uintptr_t   top;   // first address above the stack
    const char *name;
};

// The architecture's: which stacks there are.
extern const struct stack_bounds host_stacks[];
extern const unsigned            host_stack_count;

// Are the `size` bytes at `address` inside one of the stacks?
bool host_stack_contains(uintptr_t address, size_t size);

// Whose guard page holds `address`? null: nobody's.
const char *host_stack_guard_name(uintptr_t address);

#endif
