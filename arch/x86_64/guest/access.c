// SPDX-License-Identifier: MIT
// What a CPU looks at before it uses a linear address (access.h). Called by operand.c and portio.c.
#include "arch/x86_64/guest/access.h"

enum { STACK_FAULT = 12 };

static bool in_protected_mode(struct vcpu *vcpu)
{
    return (vendor->get(vcpu, REGISTER_CR0) & CR0_PE) != 0 && (vcpu_regs(vcpu)->rflags & RFLAGS_VM) == 0;
}

unsigned guest_access_refused(struct vcpu *vcpu, enum insn_segment segment, uint64_t offset, uint64_t bytes,
                              bool is_write)
{
    bool refused;
    if (guest_code_bits(vcpu) == 64) {
        uint64_t linear = guest_linear(vcpu, segment, offset);
        refused = !is_canonical(linear) || !is_canonical(linear + bytes - 1);
    } else {
        struct guest_segment descriptor;
        vendor->segment(vcpu, segment, &descriptor, false);
        refused = segment_access_refused(&descriptor, in_protected_mode(vcpu), is_write, offset, bytes);
    }
    return !refused ? 0 : segment == INSN_SS ? STACK_FAULT : EXCEPTION_GP;
}

bool guest_checks_alignment(struct vcpu *vcpu)
{
    return (vcpu_regs(vcpu)->rflags & RFLAGS_AC) != 0 && (vendor->get(vcpu, REGISTER_CR0) & CR0_AM) != 0 &&
           vendor->get(vcpu, REGISTER_CPL) == 3;
}
