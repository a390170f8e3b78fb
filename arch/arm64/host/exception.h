// SPDX-License-Identifier: MIT
// What vectors.S has saved of an exception that EL2 itself took.
#ifndef ARCH_ARM64_HOST_EXCEPTION_H
#define ARCH_ARM64_HOST_EXCEPTION_H

#define TRAP_FRAME_LR     240
#define TRAP_FRAME_ELR    256
#define TRAP_FRAME_ESR    272
#define TRAP_FRAME_VECTOR 288
#define TRAP_FRAME_BYTES  304

#ifndef __ASSEMBLER__

#include <stdint.h>

struct trap_frame {
    uint64_t x[31], sp;
    uint64_t elr, spsr, esr, far;
    uint64_t vector; // its place in the table: 0 to 7
    uint64_t unused;
};
_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_BYTES, "vectors.S");

// Called by vectors.S. Back: the monitor goes on at ELR_EL2, which is another place now. Else it panics.
void exception_taken(const struct trap_frame *frame);

// ESR_ELx.EC in words.
const char *exception_class_name(unsigned ec);

#endif

#endif
