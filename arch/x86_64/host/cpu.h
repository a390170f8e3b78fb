// SPDX-License-Identifier: MIT
// One host CPU's own set-up: per-CPU pointer, descriptor tables, control registers, stacks. Called once on each CPU,
// interrupts off.
#ifndef ARCH_X86_64_HOST_CPU_H
#define ARCH_X86_64_HOST_CPU_H

#include "vmm/base/hoststack.h"
#include "vmm/base/percpu.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

// Interrupt stacks of the TSS, SDM 3A 6.14.5. Each has a guard page below.
enum host_stack { STACK_BOOT, STACK_NMI, STACK_DOUBLE_FAULT, STACK_MACHINE_CHECK, STACK_COUNT };

// this_cpu() works after this; GDT and TSS loaded.
void gdt_init(struct cpu *cpu);

// CR0, CR4, XCR0: caches and FPU on (the registers are the guest's), WP, SMEP and SMAP where present.
void cpu_features_init(void);

void idt_init(void);

#endif
