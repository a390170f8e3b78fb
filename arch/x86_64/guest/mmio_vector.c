// SPDX-License-Identifier: MIT
// A guest moved a vector register to or from memory that is not RAM: joins insn/vector.c to the guest's memory and
// to the registers, which stay in the CPU while the monitor runs. It works on an image of them that FXSAVE64 makes and
// FXRSTOR64 takes back; the upper parts of the YMM registers stay as they are.
#include "arch/x86_64/insn/vector.h"
#include "arch/x86_64/guest/mmio.h"

static void raise(struct vcpu *vcpu, enum vector_fault fault)
{
    if (fault == VECTOR_GENERAL_PROTECTION)
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
    else
        guest_fault(vcpu, fault == VECTOR_NO_DEVICE ? EXCEPTION_NM : EXCEPTION_UD, false, 0);
}

static void transfer(struct vcpu *vcpu, const struct vector_move *move, const struct operand_address *at)
{
    struct fxsave_image image;
    uint8_t bytes[OPERAND_MAX_BYTES];
    __asm__ volatile("fxsave64 %0" : "=m"(image));
    if (move->plan.kind == MMIO_WRITE) {
        vector_store(move, &image, bytes);
        operand_write(vcpu, at, bytes);
    } else {
        operand_read(vcpu, at, bytes);
        vector_load(move, &image, bytes);
    }
    __asm__ volatile("fxrstor64 %0" : : "m"(image));
}

bool mmio_vector(struct vcpu *vcpu, const struct insn *insn)
{
    struct vector_move move;
    struct operand_address at;
    if (!vector_begin(&move, insn, vcpu_regs(vcpu)))
        return false;
    uint64_t linear = guest_linear(vcpu, move.plan.read.segment, move.plan.read.offset);
    enum vector_fault fault =
        vector_fault(&move, vendor->get(vcpu, REGISTER_CR0), vendor->get(vcpu, REGISTER_CR4), linear);
    if (fault != VECTOR_NO_FAULT) {
        raise(vcpu, fault);
    } else if (operand_translate(vcpu, linear, move.plan.size, move.plan.kind == MMIO_WRITE ? GUEST_WRITE : GUEST_READ,
                                 &at)) {
        transfer(vcpu, &move, &at);
        vcpu_skip(vcpu, insn->length);
    }
    return true;
}
