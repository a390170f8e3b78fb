// SPDX-License-Identifier: MIT
// The short way (quick.h) on VMX. The VMCS holds the guest's RIP meanwhile, and the length of every instruction that
// exits (SDM 3C 27.2.5).
#include "arch/x86_64/quick.h"
#include "arch/x86_64/vmx/vmx.h"
#include "arch/x86_64/vmx/meter.h"

// The instruction is over, and with it STI's and MOV SS's shadows. Without single-stepping nothing waits after them.
QUICK_INLINE enum quick_outcome stepped(struct vcpu *vcpu, enum quick_outcome outcome)
{
    if (outcome == QUICK_BOOKED)
        return QUICK_BOOKED;
    uint64_t next_rip = vmread(VMCS_GUEST_RIP) + vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
    vmwrite(VMCS_GUEST_RIP, quick_next_rip(vcpu, next_rip));
    uint64_t interruptibility = vmread(VMCS_GUEST_INTERRUPTIBILITY);
    if (interruptibility != 0)
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, interruptibility & BLOCKED_BY_NMI);
    return outcome;
}

QUICK_INLINE enum quick_outcome answer_hypercall(struct vcpu *vcpu, uint64_t *rax)
{
    bool kernel = (vmread(VMCS_GUEST_SS_RIGHTS) >> RIGHTS_DPL_SHIFT & 3) == 0;
    if (!kernel || vcpu->vm->config.bare)
        return QUICK_NOT_TAKEN;
    return stepped(vcpu, quick_hypercall(vcpu, rax));
}

QUICK_INLINE enum quick_outcome answer_port(struct vcpu *vcpu, uint64_t *rax)
{
    uint64_t info = vmread(VMCS_EXIT_QUALIFICATION);
    if ((info & VMX_IO_STRING) != 0)
        return QUICK_NOT_TAKEN;
    return stepped(vcpu, quick_port(vcpu, rax, (uint16_t)(info >> VMX_IO_PORT_SHIFT),
                                    (uint8_t)((info & VMX_IO_SIZE_MASK) + 1), (info & VMX_IO_IN) == 0));
}

QUICK_INLINE enum quick_outcome answer_one(struct vcpu *vcpu)
{
    uint64_t *rax = &vcpu_regs(vcpu)->gpr[GPR_RAX];
    bool failed = vcpu->arch->world.entry_failed;
    if (failed || (vmread(VMCS_GUEST_RFLAGS) & (RFLAGS_TF | RFLAGS_RF)) != 0 || quick_is_over(vcpu))
        return QUICK_NOT_TAKEN;
    switch (vmread(VMCS_EXIT_REASON)) {
    case VMX_EXIT_CPUID: return stepped(vcpu, quick_cpuid(vcpu, rax));
    case VMX_EXIT_VMCALL: return answer_hypercall(vcpu, rax);
    case VMX_EXIT_IO: return answer_port(vcpu, rax);
    case VMX_EXIT_WRMSR: return quick_is_eoi(vcpu, *rax) ? stepped(vcpu, quick_eoi(vcpu)) : QUICK_NOT_TAKEN;
    default: return QUICK_NOT_TAKEN;
    }
}

__attribute__((flatten)) enum quick_outcome vmx_answer(struct vcpu *vcpu)
{
    for (;;) {
        enum quick_outcome outcome = answer_one(vcpu);
        if (outcome != QUICK_GOES_ON)
            return outcome;
        world_switch(&vcpu->arch->world);
        vmx_read_meters(vcpu);
    }
}
