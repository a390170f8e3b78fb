// SPDX-License-Identifier: MIT
// What mmio.c calls for instructions that are more than one value between registers and memory. Private to mmio*.c, but
// for control.c's LMSW.
#ifndef ARCH_X86_64_GUEST_MMIO_H
#define ARCH_X86_64_GUEST_MMIO_H

#include "arch/x86_64/guest/operand.h"

// An instruction that moves a vector register (mmio_vector.c). False: it is none.
__attribute__((noinline)) bool mmio_vector(struct vcpu *vcpu, const struct insn *insn);

// An instruction of the system: SMSW, LMSW, segment registers, far jumps (mmio_system.c). False: it is none.
__attribute__((noinline)) bool mmio_system(struct vcpu *vcpu, const struct insn *insn);

#endif
