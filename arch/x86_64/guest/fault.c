// SPDX-License-Identifier: MIT
// Exceptions that the monitor gives a guest.
#include "arch/x86_64/guest/guest.h"

// A fault's frame has RF set, so that a breakpoint on the instruction is not taken again (SDM 3B 17.3.1.1). The CPU
// sees to that for its own faults, not for an injected one. #DB is given as it came: as a trap, or with RF already
// right.
void guest_fault(struct vcpu *vcpu, unsigned vector, bool has_error, uint32_t error)
{
    vcpu->halted = false; // the single-step trap after a HLT wakes
    if (vector != EXCEPTION_DB)
        vcpu_regs(vcpu)->rflags |= RFLAGS_RF;
    vendor->inject(vcpu, (struct guest_event){ .type = EVENT_EXCEPTION,
                                               .vector = (uint8_t)vector,
                                               .has_error = has_error,
                                               .error = error });
}

void guest_debug_status(struct vcpu *vcpu, uint64_t causes)
{
    vendor->set(vcpu, REGISTER_DR6, (vendor->get(vcpu, REGISTER_DR6) & ~DR6_CAUSES) | causes);
    vendor->set(vcpu, REGISTER_DR7, vendor->get(vcpu, REGISTER_DR7) & ~DR7_GD);
}

void guest_debug_trap(struct vcpu *vcpu, uint64_t causes)
{
    guest_debug_status(vcpu, causes);
    guest_fault(vcpu, EXCEPTION_DB, false, 0);
}
