// SPDX-License-Identifier: MIT
// One operand of an instruction that is emulated: where it is in RAM and in the devices, reading and writing it. Where
// it crosses a page, each of the two parts is where its own page is. Called from mmio*.c and portio.c.
#ifndef ARCH_X86_64_GUEST_OPERAND_H
#define ARCH_X86_64_GUEST_OPERAND_H

#include "arch/x86_64/guest/guest.h"

#define OPERAND_MAX_BYTES 16

struct operand_address {
    gpa     physical, next; // `next` is the second part's
    uint8_t first, second;  // bytes of the two parts; a second of 0 is none
};

// Translates [linear, linear + size) for `access`; size is 1 to OPERAND_MAX_BYTES. False: the guest has got the fault.
__attribute__((noinline)) bool operand_translate(struct vcpu *vcpu, uint64_t linear, unsigned size,
                                                 enum guest_access access, struct operand_address *out);

// The same for [offset, offset + size) of a segment, which the CPU has not looked at: with the segment's, canonical
// addresses' and alignment's faults.
__attribute__((noinline)) bool operand_locate(struct vcpu *vcpu, enum insn_segment segment, uint64_t offset,
                                              unsigned size, enum guest_access access, struct operand_address *out);

// All its bytes, in the order of their addresses: in RAM at once, in a device by accesses of 8, 4, 2 and 1 bytes. A VM
// that is ended by one of them makes no more.
__attribute__((noinline)) void operand_read(struct vcpu *vcpu, const struct operand_address *at, void *out);
__attribute__((noinline)) void operand_write(struct vcpu *vcpu, const struct operand_address *at, const void *in);

static inline bool operand_in_ram(const struct vcpu *vcpu, gpa physical)
{
    return physical.value < vcpu->vm->ram.size; // a PC's begins at 0
}

#endif
