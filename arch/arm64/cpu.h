// SPDX-License-Identifier: MIT
// One host CPU's own set-up: per-CPU pointer, vectors, EL2 control registers, stacks. Called once on each CPU,
// exceptions masked.
#ifndef ARCH_ARM64_CPU_H
#define ARCH_ARM64_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/percpu.h"

enum host_stack { STACK_BOOT, STACK_PANIC, STACK_COUNT };

struct stack_bounds {
    uintptr_t   guard; // one page, not mapped
    uintptr_t   top;   // first address above the stack
    const char *name;
};
extern const struct stack_bounds host_stacks[STACK_COUNT];

// Are the `size` bytes at `address` inside one of the stacks?
bool host_stack_contains(uintptr_t address, size_t size);

// Whose guard page holds `address`? null: nobody's.
const char *host_stack_guard_name(uintptr_t address);

// this_cpu() works after this, exceptions panic, and nothing of EL1 is trapped or changed yet.
void cpu_init(struct cpu *cpu);

#endif
