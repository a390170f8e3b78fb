// SPDX-License-Identifier: MIT
// The short way: four exits that guests make more than all others are answered here, beside the world switch, and the
// guest goes on at once: CPUID, VMMCALL, a plain port access, an EOI to the x2APIC. They are booked like every exit;
// what is left out is everything that cannot be due: nothing is pending, nothing was being delivered, no timer has
// come. Whenever one of these is in doubt the exit takes the long way through vmm/run.c, and with noise=SEED all of
// them do, so the test of law 9 compares the two ways.
#include "arch/x86_64/svm.h"
#include "vmm/account.h"

#define OPCODE_CPUID   0xa20fu
#define OPCODE_VMMCALL 0xd9010fu
#define OPCODE_WRMSR   0x300fu
#define MSR_X2APIC_EOI 0x80bu

// Which of the four it is; EXIT_UNKNOWN for any other.
static enum exit_kind kind_of(const struct vcpu *vcpu)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    switch (vmcb->exit_code) {
    case SVM_EXIT_CPUID: return EXIT_CPUID;
    case SVM_EXIT_VMMCALL: return EXIT_HYPERCALL;
    case SVM_EXIT_IOIO: return (vmcb->exit_info1 & IOIO_STRING) == 0 ? EXIT_IO : EXIT_UNKNOWN;
    case SVM_EXIT_MSR: {
        const uint64_t *gpr = vcpu->arch->world.regs.gpr;
        bool eoi = vmcb->exit_info1 == 1 && (uint32_t)gpr[GPR_RCX] == MSR_X2APIC_EOI;
        bool x2apic = (lapic_base_read(&vcpu->vm->machine.lapic) >> 10 & 3) == 3;
        bool legal = x2apic && ((uint32_t)gpr[GPR_RDX] | (uint32_t)vmcb->rax) == 0;
        return eoi && legal ? EXIT_MSR_WRITE : EXIT_UNKNOWN;
    }
    default: return EXIT_UNKNOWN;
    }
}

static bool nothing_in_doubt(const struct vcpu *vcpu, const struct slice *slice)
{
    const struct arch_vcpu *arch = vcpu->arch;
    uint64_t elapsed = slice->t1 - slice->t0;
    return arch->under_way == 0 && (arch->vmcb->rflags & (RFLAGS_TF | RFLAGS_RF)) == 0 &&
           machine_quiet(&vcpu->vm->machine) && vcpu->ledger.debt == 0 &&
           vcpu->vm->vtime.now + elapsed < timerq_next(&vcpu->vm->machine.timers);
}

static uint64_t length_of(struct vcpu *vcpu, enum exit_kind kind)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if (kind == EXIT_IO)
        return vmcb->exit_info2 - vmcb->rip;
    if (svm_has_next_rip())
        return vmcb->next_rip - vmcb->rip;
    if (kind == EXIT_CPUID)
        return svm_insn_length(vcpu, OPCODE_CPUID, 2);
    return kind == EXIT_HYPERCALL ? svm_insn_length(vcpu, OPCODE_VMMCALL, 3) : svm_insn_length(vcpu, OPCODE_WRMSR, 2);
}

static void answer(struct vcpu *vcpu, enum exit_kind kind)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    if (kind == EXIT_MSR_WRITE) {
        lapic_write_msr(&vcpu->vm->machine.lapic, MSR_X2APIC_EOI, 0, vcpu->vm->vtime.now);
        machine_settle(vcpu->vm, DEVICE_LAPIC);
    } else if (kind == EXIT_CPUID) {
        guest_execute_cpuid(vcpu, &vmcb->rax);
    } else if (kind == EXIT_HYPERCALL) {
        vmcb->rax = hypercall(vcpu, vmcb->rax, vcpu_regs(vcpu)->gpr[GPR_RBX]);
    } else {
        uint64_t info = vmcb->exit_info1;
        guest_execute_port(vcpu, &vmcb->rax, (uint16_t)(info >> IOIO_PORT_SHIFT), (info >> IOIO_SIZE_SHIFT) & 7,
                           (info & IOIO_IN) == 0);
    }
}

enum svm_quick svm_answer(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    struct slice slice = { .t0 = arch->world.t0, .t1 = arch->world.t1 };
    enum exit_kind kind = kind_of(vcpu);
    if (kind == EXIT_UNKNOWN || !nothing_in_doubt(vcpu, &slice))
        return SVM_QUICK_NO;
    uint64_t length = length_of(vcpu, kind);
    if (length == 0)
        return SVM_QUICK_NO;
    slice.cost_cycles = switch_costs.total[kind];
    vcpu_account(vcpu, &slice, kind);
    answer(vcpu, kind);
    uint64_t next = arch->vmcb->rip + length;
    arch->vmcb->rip = next >> 32 != 0 && guest_code_bits(vcpu) != 64 ? next & UINT32_MAX : next;
    arch->vmcb->int_state = 0; // an instruction was executed: STI's and MOV SS's shadows are over
    vcpu_emulated(vcpu);
    if (!machine_quiet(&vcpu->vm->machine) || vcpu->vm->end != VM_RUNNING || vcpu_timers_due(vcpu))
        return SVM_QUICK_DONE;
    return SVM_QUICK_AGAIN;
}
