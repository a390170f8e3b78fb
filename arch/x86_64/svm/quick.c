// SPDX-License-Identifier: MIT
// The short way (quick.h) on SVM. The guest's FS, GS, TR, LDTR and syscall MSRs stay in the CPU meanwhile, and GIF
// stays clear (svm/vendor.c).
#include "arch/x86_64/quick.h"
#include "arch/x86_64/svm/svm.h"

#define OPCODE_CPUID   0xa20fu
#define OPCODE_VMMCALL 0xd9010fu
#define OPCODE_WRMSR   0x300fu

// The length of the instruction that exited. 0: it cannot be fetched or decoded.
QUICK_INLINE uint64_t length_of(struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if (svm_has_next_rip())
        return vmcb->next_rip - vmcb->rip;
    return svm_runs(vcpu, opcode, opcode_length) ? opcode_length : svm_insn_length(vcpu, opcode, opcode_length);
}

// The instruction is over, and with it STI's and MOV SS's shadows.
QUICK_INLINE enum quick_outcome stepped(struct vcpu *vcpu, enum quick_outcome outcome, uint64_t next_rip)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    if (outcome == QUICK_BOOKED)
        return QUICK_BOOKED;
    vmcb->rip = vcpu_regs(vcpu)->rip = quick_next_rip(vcpu, next_rip); // both: an entry may be refused (svm/fail.c)
    vmcb->int_state = 0;
    return outcome;
}

QUICK_INLINE enum quick_outcome answer_cpuid(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t length = length_of(vcpu, OPCODE_CPUID, 2);
    return length == 0 ? QUICK_NOT_TAKEN : stepped(vcpu, quick_cpuid(vcpu, &vmcb->rax), vmcb->rip + length);
}

QUICK_INLINE enum quick_outcome answer_hypercall(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t length = vmcb->cpl == 0 ? length_of(vcpu, OPCODE_VMMCALL, 3) : 0;
    return length == 0 ? QUICK_NOT_TAKEN : stepped(vcpu, quick_hypercall(vcpu, &vmcb->rax), vmcb->rip + length);
}

QUICK_INLINE enum quick_outcome answer_port(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t info = vmcb->exit_info1;
    if ((info & IOIO_STRING) != 0)
        return QUICK_NOT_TAKEN;
    enum quick_outcome outcome = quick_port(vcpu, &vmcb->rax, (uint16_t)(info >> IOIO_PORT_SHIFT),
                                            (info >> IOIO_SIZE_SHIFT) & 7, (info & IOIO_IN) == 0);
    return stepped(vcpu, outcome, vmcb->exit_info2); // APM 2, 15.10.2: the next RIP
}

QUICK_INLINE enum quick_outcome answer_msr(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    if (vmcb->exit_info1 != 1 || !quick_is_eoi(vcpu, vmcb->rax))
        return QUICK_NOT_TAKEN;
    uint64_t length = length_of(vcpu, OPCODE_WRMSR, 2);
    return length == 0 ? QUICK_NOT_TAKEN : stepped(vcpu, quick_eoi(vcpu), vmcb->rip + length);
}

QUICK_INLINE enum quick_outcome answer_one(struct vcpu *vcpu)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if ((vmcb->rflags & (RFLAGS_TF | RFLAGS_RF)) != 0 || quick_is_over(vcpu))
        return QUICK_NOT_TAKEN;
    switch (vmcb->exit_code) {
    case SVM_EXIT_CPUID: return answer_cpuid(vcpu);
    case SVM_EXIT_VMMCALL: return answer_hypercall(vcpu);
    case SVM_EXIT_IOIO: return answer_port(vcpu);
    case SVM_EXIT_MSR: return answer_msr(vcpu);
    default: return QUICK_NOT_TAKEN;
    }
}

__attribute__((flatten)) enum quick_outcome svm_answer(struct vcpu *vcpu)
{
    for (;;) {
        enum quick_outcome outcome = answer_one(vcpu);
        if (outcome != QUICK_GOES_ON)
            return outcome;
        world_switch(&vcpu->arch->world);
    }
}
