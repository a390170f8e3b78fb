// SPDX-License-Identifier: MIT
// The short way: four exits that guests make more than all others are answered here, beside the world switch, and the
// guest goes on at once: CPUID, VMMCALL, a plain port access, an EOI to the x2APIC. They are booked like every exit;
// what is left out is everything that cannot be due: nothing is pending, nothing was being delivered, no timer has
// come. Whenever one of these is in doubt the exit takes the long way through vmm/run.c, and with noise=SEED all of
// them do, so the test of law 9 compares the two ways.
//
// The guest's FS, GS, TR, LDTR and syscall MSRs stay in the CPU meanwhile, and GIF stays clear (world.h). A guest that
// would stay on the short way for ever holds nothing up: host interrupts and NMIs end its slices, and those exits are
// long ones; and every ROUNDS exits the run loop looks round, because each of them has put the alarm off.
#include "arch/x86_64/svm.h"
#include "vmm/account.h"

#define OPCODE_CPUID   0xa20fu
#define OPCODE_VMMCALL 0xd9010fu
#define OPCODE_WRMSR   0x300fu
#define MSR_X2APIC_EOI 0x80bu

#define ROUNDS 1024u

enum step { STEP_NOT_TAKEN, STEP_BOOKED, STEP_TAKEN };

#define INLINE static inline __attribute__((always_inline)) // with `kind` a constant, half of each piece falls away

// The length of the instruction that exited. 0: it cannot be fetched or decoded.
INLINE uint64_t length_of(struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if (svm_has_next_rip())
        return vmcb->next_rip - vmcb->rip;
    return svm_runs(vcpu, opcode, opcode_length) ? opcode_length : svm_insn_length(vcpu, opcode, opcode_length);
}

// Books the slice. False: a timer is due at V, before the instruction.
INLINE bool book(struct vcpu *vcpu, enum exit_kind kind)
{
    const struct world *world = &vcpu->arch->world;
    struct slice slice = { .t0 = world->t0, .t1 = world->t1, .cost_cycles = switch_costs.total[kind] };
    vcpu_account(vcpu, &slice, kind);
    return !vcpu_timers_due(vcpu);
}

// The instruction is over, and with it STI's and MOV SS's shadows.
INLINE enum step stepped(struct vcpu *vcpu, uint64_t next_rip)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    vmcb->rip = next_rip >> 32 != 0 && guest_code_bits(vcpu) != 64 ? next_rip & UINT32_MAX : next_rip;
    vmcb->int_state = 0;
    vcpu_emulated(vcpu);
    return STEP_TAKEN;
}

INLINE enum step answer_cpuid(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t length = length_of(vcpu, OPCODE_CPUID, 2);
    if (length == 0)
        return STEP_NOT_TAKEN;
    if (!book(vcpu, EXIT_CPUID))
        return STEP_BOOKED;
    guest_execute_cpuid(vcpu, &vmcb->rax);
    return stepped(vcpu, vmcb->rip + length);
}

INLINE enum step answer_hypercall(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    if (vmcb->cpl != 0)
        return STEP_NOT_TAKEN;
    uint64_t length = length_of(vcpu, OPCODE_VMMCALL, 3);
    if (length == 0)
        return STEP_NOT_TAKEN;
    if (!book(vcpu, EXIT_HYPERCALL))
        return STEP_BOOKED;
    vmcb->rax = hypercall(vcpu, vmcb->rax, vcpu_regs(vcpu)->gpr[GPR_RBX]);
    return stepped(vcpu, vmcb->rip + length);
}

INLINE enum step answer_port(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t info = vmcb->exit_info1;
    if ((info & IOIO_STRING) != 0)
        return STEP_NOT_TAKEN;
    if (!book(vcpu, EXIT_IO))
        return STEP_BOOKED;
    guest_execute_port(vcpu, &vmcb->rax, (uint16_t)(info >> IOIO_PORT_SHIFT), (info >> IOIO_SIZE_SHIFT) & 7,
                       (info & IOIO_IN) == 0);
    return stepped(vcpu, vmcb->exit_info2); // APM 2, 15.10.2: the next RIP
}

INLINE enum step answer_eoi(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    const uint64_t *gpr = vcpu->arch->world.regs.gpr;
    struct lapic *lapic = &vcpu->vm->machine.lapic;
    bool eoi = vmcb->exit_info1 == 1 && (uint32_t)gpr[GPR_RCX] == MSR_X2APIC_EOI;
    bool x2apic = (lapic_base_read(lapic) >> 10 & 3) == 3;
    if (!eoi || !x2apic || ((uint32_t)gpr[GPR_RDX] | (uint32_t)vmcb->rax) != 0)
        return STEP_NOT_TAKEN;
    uint64_t length = length_of(vcpu, OPCODE_WRMSR, 2);
    if (length == 0)
        return STEP_NOT_TAKEN;
    if (!book(vcpu, EXIT_MSR_WRITE))
        return STEP_BOOKED;
    lapic_write_msr(lapic, MSR_X2APIC_EOI, 0, vcpu->vm->vtime.now);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    return stepped(vcpu, vmcb->rip + length);
}

INLINE enum step answer_one(struct vcpu *vcpu)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if ((vmcb->rflags & (RFLAGS_TF | RFLAGS_RF)) != 0)
        return STEP_NOT_TAKEN;
    switch (vmcb->exit_code) {
    case SVM_EXIT_CPUID: return answer_cpuid(vcpu);
    case SVM_EXIT_VMMCALL: return answer_hypercall(vcpu);
    case SVM_EXIT_IOIO: return answer_port(vcpu);
    case SVM_EXIT_MSR: return answer_eoi(vcpu);
    default: return STEP_NOT_TAKEN;
    }
}

// Can the guest go on?
INLINE bool nothing_else(const struct vcpu *vcpu)
{
    return machine_quiet(&vcpu->vm->machine) && vcpu->vm->end == VM_RUNNING && !vcpu_timers_due(vcpu);
}

__attribute__((flatten)) enum svm_answered svm_answer(struct vcpu *vcpu)
{
    for (;;) {
        enum step step = answer_one(vcpu);
        if (step == STEP_NOT_TAKEN)
            return SVM_ANSWERED_NOTHING;
        if (step == STEP_BOOKED)
            return SVM_ANSWERED_BOOKED;
        if (!nothing_else(vcpu) || vcpu->stats.exits % ROUNDS == 0)
            return SVM_ANSWERED_LAST;
        vcpu_set_slice(vcpu, vcpu_cycles_to_next(vcpu));
        svm_world_switch(&vcpu->arch->world);
    }
}
