// SPDX-License-Identifier: MIT
// Would VMRUN refuse this state of a guest? The rules of APM 2, 15.5.1, about the state-save area alone. Pure.
#ifndef ARCH_X86_64_SVM_CHECK_H
#define ARCH_X86_64_SVM_CHECK_H

#include "arch/x86_64/svm/vmcb.h"

// The first rule that is broken, in words; null: none is. `physical_bits`: CPUID 80000008h, EAX bits 7:0.
const char *svm_broken_rule(const struct vmcb *vmcb, unsigned physical_bits);

#endif
