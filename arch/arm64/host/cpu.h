// SPDX-License-Identifier: MIT
// One host CPU's own set-up: per-CPU pointer, vectors, EL2 control registers, stacks. Called once on each CPU,
// exceptions masked.
#ifndef ARCH_ARM64_HOST_CPU_H
#define ARCH_ARM64_HOST_CPU_H

#include "vmm/base/hoststack.h"
#include "vmm/base/percpu.h"

enum host_stack { STACK_BOOT, STACK_PANIC, STACK_COUNT };

// this_cpu() works after this, exceptions panic, and nothing of EL1 is trapped or changed yet.
void cpu_init(struct cpu *cpu);

// Is there a PMU of version 3?
bool cpu_has_pmu(void);

#endif
