// SPDX-License-Identifier: MIT
// SVM exit codes into neutral exits (APM 2, appendix C and 15.7-15.14). One table; only exits with arguments have code.
#include "arch/x86_64/svm/svm.h"

#define OPCODE_WRMSR 0x300fu

struct exit_rule {
    uint8_t kind;                // enum exit_kind
    uint8_t fault_vector;        // EXIT_FAULT
    bool    known;
    bool    fault_has_error;     // EXIT_FAULT; the error code is 0
    uint8_t  opcode_length;      // to find the instruction's length without NRIP save
    uint32_t opcode;             // its bytes, first one lowest
};

#define EXIT_RULE(kind_)             { .known = true, .kind = (kind_) }
#define INSN_RULE(kind_, length_, opcode_) \
    { .known = true, .kind = (kind_), .opcode_length = (length_), .opcode = (opcode_) }
#define UNDEFINED_RULE               { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_UD }

static const struct exit_rule rules[] = {
    [SVM_EXIT_CR0_WRITE] = EXIT_RULE(EXIT_CONTROL),
    [SVM_EXIT_CR4_WRITE] = EXIT_RULE(EXIT_CONTROL),
    [SVM_EXIT_CR8_WRITE] = EXIT_RULE(EXIT_PRIORITY),
    [SVM_EXIT_DR0_WRITE] = EXIT_RULE(EXIT_DEBUG),
    [SVM_EXIT_DR0_WRITE + 1] = EXIT_RULE(EXIT_DEBUG),
    [SVM_EXIT_DR0_WRITE + 2] = EXIT_RULE(EXIT_DEBUG),
    [SVM_EXIT_DR0_WRITE + 3] = EXIT_RULE(EXIT_DEBUG),
    [SVM_EXIT_DR0_WRITE + 5] = EXIT_RULE(EXIT_DEBUG),
    [SVM_EXIT_DR0_WRITE + 7] = EXIT_RULE(EXIT_DEBUG),
    [SVM_EXIT_EXCEPTION + EXCEPTION_DB] = { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_DB },
    [SVM_EXIT_EXCEPTION + EXCEPTION_AC] = { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_AC,
                                            .fault_has_error = true },
    [SVM_EXIT_EXCEPTION + EXCEPTION_MC] = { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_MC },
    [SVM_EXIT_INTR] = EXIT_RULE(EXIT_INTERRUPT),
    [SVM_EXIT_NMI] = EXIT_RULE(EXIT_NMI), // these three wait, and come with STGI (APM 2, 15.13)
    [SVM_EXIT_SMI] = EXIT_RULE(EXIT_NMI),
    [SVM_EXIT_INIT] = EXIT_RULE(EXIT_NMI),
    [SVM_EXIT_VINTR] = EXIT_RULE(EXIT_WINDOW),
    [SVM_EXIT_RDPMC] = { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_GP, .fault_has_error = true },
    [SVM_EXIT_CPUID] = INSN_RULE(EXIT_CPU_ID, 2, 0xa20f),
    [SVM_EXIT_RSM] = UNDEFINED_RULE,
    [SVM_EXIT_IRET] = EXIT_RULE(EXIT_IGNORED),
    [SVM_EXIT_INVD] = INSN_RULE(EXIT_IGNORED, 2, 0x080f),
    [SVM_EXIT_HLT] = INSN_RULE(EXIT_HALT, 1, 0xf4),
    [SVM_EXIT_INVLPGA] = UNDEFINED_RULE,
    [SVM_EXIT_IOIO] = EXIT_RULE(EXIT_PORT),
    [SVM_EXIT_MSR] = INSN_RULE(EXIT_SYSREG_READ, 2, 0x320f),
    [SVM_EXIT_SHUTDOWN] = EXIT_RULE(EXIT_SHUTDOWN),
    [SVM_EXIT_VMRUN] = UNDEFINED_RULE,
    [SVM_EXIT_VMMCALL] = INSN_RULE(EXIT_HYPERCALL, 3, 0xd9010f),
    [SVM_EXIT_VMLOAD] = UNDEFINED_RULE,
    [SVM_EXIT_VMSAVE] = UNDEFINED_RULE,
    [SVM_EXIT_STGI] = UNDEFINED_RULE,
    [SVM_EXIT_CLGI] = UNDEFINED_RULE,
    [SVM_EXIT_SKINIT] = UNDEFINED_RULE,
    [SVM_EXIT_MONITOR] = UNDEFINED_RULE,
    [SVM_EXIT_MWAIT] = UNDEFINED_RULE,
};

static void decode_io(const struct vcpu *vcpu, struct exit *exit)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t info = vmcb->exit_info1;
    exit->port = (uint16_t)(info >> IOIO_PORT_SHIFT);
    exit->size = (uint8_t)((info >> IOIO_SIZE_SHIFT) & 7);
    exit->is_write = (info & IOIO_IN) == 0;
    exit->is_string = (info & IOIO_STRING) != 0;
    exit->is_repeated = (info & IOIO_REP) != 0;
    exit->insn_length = (uint8_t)(vmcb->exit_info2 - vcpu->arch->world.regs.rip); // APM 2, 15.10.2: the next RIP
}

static void decode_nested_fault(const struct vcpu *vcpu, struct exit *exit)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    exit->kind = EXIT_MMIO;
    exit->address.value = vmcb->exit_info2;
    exit->is_write = (vmcb->exit_info1 & NPF_WRITE) != 0;
    exit->is_fetch = (vmcb->exit_info1 & NPF_FETCH) != 0;
    exit->is_table_walk = (vmcb->exit_info1 & NPF_TABLE_WALK) != 0;
}

// An event whose delivery was cut short by this exit is delivered by the next entry. Software interrupts and the traps
// of INT3 and INTO are left out: RIP still points at their instruction, which will run again (APM 2, 15.7.2, 15.20).
static void keep_interrupted_event(struct vcpu *vcpu, struct exit *exit)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t event = vmcb->exit_int_info;
    exit->during_delivery = true;
    bool again = (event & EVENT_TYPE_MASK) == EVENT_TYPE_SOFTWARE ||
                 ((event & EVENT_TYPE_MASK) == EVENT_TYPE_EXCEPTION &&
                  ((event & EVENT_VECTOR_MASK) == 3 || (event & EVENT_VECTOR_MASK) == 4));
    if (again)
        return;
    vmcb->event_inj = event;
    vcpu->arch->event_queued = true;
}

// The exit comes before the IRET (APM 2, 15.9): it runs alone, and NMIs open again when it is over, so that one that
// waited is taken at the next boundary.
static void track_nmi_return(struct vcpu *vcpu, uint64_t code)
{
    struct arch_vcpu *arch = vcpu->arch;
    if (arch->iret_passed && arch->world.regs.rip != arch->iret_rip) {
        arch->iret_passed = false;
        arch->nmi_blocked = false;
    }
    if (code == SVM_EXIT_IRET) {
        arch->vmcb->intercept_misc1 &= ~INTERCEPT1_IRET;
        arch->iret_passed = arch->step_once = true;
        arch->iret_rip = arch->world.regs.rip;
    }
}

static void decode_fault(const struct exit_rule *rule, struct exit *exit)
{
    exit->fault_vector = rule->fault_vector;
    exit->fault_has_error = rule->fault_has_error;
    exit->fault_error = 0;
    if (rule->fault_vector == EXCEPTION_MC) { // the host's, and the exit has taken it from the CPU
        __asm__ volatile("int %0" : : "i"(EXCEPTION_MC) : "memory");
        exit->kind = EXIT_NMI;
    }
}

static void decode_by_rule(struct vcpu *vcpu, const struct exit_rule *rule, struct exit *exit)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    enum exit_kind kind = (enum exit_kind)rule->kind;
    uint32_t opcode = rule->opcode;
    if (kind == EXIT_SYSREG_READ && vmcb->exit_info1 == 1) {
        kind = EXIT_SYSREG_WRITE;
        opcode = OPCODE_WRMSR;
    }
    exit->kind = kind;
    if (rule->opcode_length != 0)
        exit->insn_length = svm_has_next_rip() ? (uint8_t)(vmcb->next_rip - vmcb->rip)
                                               : svm_insn_length(vcpu, opcode, rule->opcode_length);
    else if (kind == EXIT_PORT)
        decode_io(vcpu, exit);
    else if (kind == EXIT_FAULT)
        decode_fault(rule, exit);
}

static __attribute__((noinline, cold)) bool at_mov_to_cr3(struct vcpu *vcpu)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    if (insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) != DECODE_OK)
        return false;
    return insn.map == INSN_MAP_0F && insn.opcode == 0x22 && insn_reg(&insn) == 3;
}

static void decode_unknown(struct vcpu *vcpu, struct exit *exit)
{
    static const struct exit_rule refused = { .fault_vector = EXCEPTION_GP, .fault_has_error = true };
    exit->kind = EXIT_UNKNOWN;
    exit->info = vcpu->arch->vmcb->exit_info1;
    if (exit->hardware_reason == SVM_EXIT_INVALID && at_mov_to_cr3(vcpu)) { // svm/fail.c knows that it has run
        exit->kind = EXIT_FAULT;
        decode_fault(&refused, exit);
    }
}

// Fields that a kind does not use are left as they were.
void svm_decode_exit(struct vcpu *vcpu, struct exit *exit)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t code = vmcb->exit_code;
    exit->hardware_reason = (uint32_t)code;
    exit->insn_length = 0;
    exit->during_delivery = false;
    if ((vmcb->exit_int_info & EVENT_VALID) != 0)
        keep_interrupted_event(vcpu, exit);
    if (vcpu->arch->nmi_blocked)
        track_nmi_return(vcpu, code);
    if (code == SVM_EXIT_NPF)
        decode_nested_fault(vcpu, exit);
    else if (code < sizeof(rules) / sizeof(rules[0]) && rules[code].known)
        decode_by_rule(vcpu, &rules[code], exit);
    else
        decode_unknown(vcpu, exit);
}
