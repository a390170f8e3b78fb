// SPDX-License-Identifier: MIT
// What a CPU looks at before it uses a linear address: the segment's rights and limit, in 64-bit mode whether the
// address is canonical, and alignment. SDM 3A 5.3, 5.5, 3.3.7.1, 6.15 (#AC). For accesses that the monitor makes where
// the CPU has not looked: those of INS and OUTS, which exit before, and operands besides the one that has faulted.
#ifndef ARCH_X86_64_GUEST_ACCESS_H
#define ARCH_X86_64_GUEST_ACCESS_H

#include "arch/x86_64/guest/guest.h"

// The exception, with an error code of 0, that [offset, offset + bytes) of a segment deserves; 0 where it is allowed.
unsigned guest_access_refused(struct vcpu *vcpu, enum insn_segment segment, uint64_t offset, uint64_t bytes,
                              bool is_write);

// An access that is not aligned is #AC.
bool guest_checks_alignment(struct vcpu *vcpu);

#endif
