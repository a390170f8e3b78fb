// SPDX-License-Identifier: MIT
// VMX exit reasons into neutral exits (SDM 3C chapter 27, 3D appendix C). One table; only exits with arguments have
// code.
#include "arch/x86_64/vmx/vmx.h"

#define VECTOR_NMI 2u

struct exit_rule {
    bool known;
    uint8_t kind;         // enum exit_kind
    uint8_t fault_vector; // EXIT_FAULT
    bool fault_has_error; // EXIT_FAULT; the error code is 0
    bool insn;            // the VMCS has the instruction's length
};

#define EXIT_RULE(kind_) { .known = true, .kind = (kind_) }
#define INSN_RULE(kind_) { .known = true, .kind = (kind_), .insn = true }
#define UNDEFINED_RULE   { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_UD }

static const struct exit_rule rules[] = {
    [VMX_EXIT_INTERRUPT] = EXIT_RULE(EXIT_INTERRUPT),
    [VMX_EXIT_TRIPLE_FAULT] = EXIT_RULE(EXIT_SHUTDOWN),
    [VMX_EXIT_INIT] = EXIT_RULE(EXIT_NMI),
    [VMX_EXIT_IO_SMI] = EXIT_RULE(EXIT_NMI),
    [VMX_EXIT_SMI] = EXIT_RULE(EXIT_NMI),
    [VMX_EXIT_INT_WINDOW] = EXIT_RULE(EXIT_WINDOW),
    [VMX_EXIT_NMI_WINDOW] = EXIT_RULE(EXIT_WINDOW),
    [VMX_EXIT_CPUID] = INSN_RULE(EXIT_CPU_ID),
    [VMX_EXIT_GETSEC] = UNDEFINED_RULE,
    [VMX_EXIT_HLT] = INSN_RULE(EXIT_HALT),
    [VMX_EXIT_INVD] = INSN_RULE(EXIT_IGNORED),
    [VMX_EXIT_RDPMC] = { .known = true, .kind = EXIT_FAULT, .fault_vector = EXCEPTION_GP, .fault_has_error = true },
    [VMX_EXIT_VMCALL] = INSN_RULE(EXIT_HYPERCALL),
    [VMX_EXIT_VMCLEAR] = UNDEFINED_RULE,
    [VMX_EXIT_VMLAUNCH] = UNDEFINED_RULE,
    [VMX_EXIT_VMPTRLD] = UNDEFINED_RULE,
    [VMX_EXIT_VMPTRST] = UNDEFINED_RULE,
    [VMX_EXIT_VMREAD] = UNDEFINED_RULE,
    [VMX_EXIT_VMRESUME] = UNDEFINED_RULE,
    [VMX_EXIT_VMWRITE] = UNDEFINED_RULE,
    [VMX_EXIT_VMXOFF] = UNDEFINED_RULE,
    [VMX_EXIT_VMXON] = UNDEFINED_RULE,
    [VMX_EXIT_RDMSR] = INSN_RULE(EXIT_SYSREG_READ),
    [VMX_EXIT_WRMSR] = INSN_RULE(EXIT_SYSREG_WRITE),
    [VMX_EXIT_MWAIT] = UNDEFINED_RULE,
    [VMX_EXIT_MONITOR_TRAP] = EXIT_RULE(EXIT_STEP),
    [VMX_EXIT_MONITOR] = UNDEFINED_RULE,
    [VMX_EXIT_INVEPT] = UNDEFINED_RULE,
    [VMX_EXIT_PREEMPTION] = EXIT_RULE(EXIT_ALARM),
    [VMX_EXIT_INVVPID] = UNDEFINED_RULE,
    [VMX_EXIT_XSETBV] = INSN_RULE(EXIT_CONTROL),
};

// SDM 3C 27.2.1, table 27-5.
static void decode_io(struct exit *exit)
{
    uint64_t info = vmread(VMCS_EXIT_QUALIFICATION);
    exit->kind = EXIT_PORT;
    exit->port = (uint16_t)(info >> VMX_IO_PORT_SHIFT);
    exit->size = (uint8_t)((info & VMX_IO_SIZE_MASK) + 1);
    exit->is_write = (info & VMX_IO_IN) == 0;
    exit->is_string = (info & VMX_IO_STRING) != 0;
    exit->is_repeated = (info & VMX_IO_REP) != 0;
    exit->insn_length = (uint8_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
}

// Table 27-3: CR8, or a bit of CR0 or CR4 that the guest does not own.
static void decode_control_register(struct exit *exit)
{
    exit->kind = (vmread(VMCS_EXIT_QUALIFICATION) & 15) == 8 ? EXIT_PRIORITY : EXIT_CONTROL;
}

// An IRET that faulted half way had opened NMIs already; they are closed again (SDM 3C 27.2.3).
static void block_nmis_again(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    arch->nmi_blocked = true;
    arch->vmx.interruptibility |= BLOCKED_BY_NMI;
    vmwrite(VMCS_GUEST_INTERRUPTIBILITY, arch->vmx.interruptibility);
}

// Table 27-7. No linear address is valid where MOV CR3 reads the top entries of PAE paging.
static void decode_nested_fault(struct vcpu *vcpu, struct exit *exit)
{
    uint64_t info = vmread(VMCS_EXIT_QUALIFICATION);
    exit->kind = EXIT_MMIO;
    exit->address.value = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
    exit->is_write = (info & EPT_VIOLATION_WRITE) != 0;
    exit->is_fetch = (info & EPT_VIOLATION_FETCH) != 0;
    exit->is_table_walk = (info & EPT_VIOLATION_LINEAR_VALID) == 0 || (info & EPT_VIOLATION_FINAL_ADDR) == 0;
    if ((info & EPT_VIOLATION_NMI_IRET) != 0 && !exit->during_delivery)
        block_nmis_again(vcpu);
}

// One of the breakpoints that were hit is on the instruction itself: then #DB is a fault (SDM 3B 17.2.4).
static bool is_instruction_breakpoint(uint64_t causes, uint64_t dr7)
{
    for (unsigned i = 0; i < 4; i++) {
        if ((causes >> i & 1) != 0 && (dr7 >> (DR7_KIND_SHIFT + 4 * i) & 3) == 0)
            return true;
    }
    return false;
}

// SDM 3C 27.1: an exit for #DB leaves DR6 and DR7.GD as they were, and says what the first would get. The RF that a
// fault's frame has, so that its instruction is not stopped again, is in the saved RFLAGS (27.3.3); Bochs 2.7 forgets.
static void take_debug_exception(struct vcpu *vcpu)
{
    uint64_t causes = vmread(VMCS_EXIT_QUALIFICATION) & (DR6_CAUSES | DR6_BD | DR6_BS);
    if (is_instruction_breakpoint(causes, vendor->get(vcpu, REGISTER_DR7)))
        vcpu_regs(vcpu)->rflags |= RFLAGS_RF;
    guest_debug_status(vcpu, causes);
}

// A host NMI or machine check has been taken from the CPU by the exit: its handler is called. What is the guest's own
// is given back to it. INT1, the only instruction among them, is over: a trap.
static void decode_exception(struct vcpu *vcpu, struct exit *exit)
{
    uint32_t event = (uint32_t)vmread(VMCS_EXIT_EVENT);
    uint32_t type = event & VMX_EVENT_TYPE_MASK, vector = event & VMX_EVENT_VECTOR_MASK;
    exit->kind = EXIT_NMI;
    if (type == VMX_EVENT_NMI) {
        __asm__ volatile("int %0" : : "i"(VECTOR_NMI) : "memory");
        return;
    }
    if (vector == EXCEPTION_MC) {
        __asm__ volatile("int %0" : : "i"(EXCEPTION_MC) : "memory");
        return;
    }
    if ((event & VMX_EVENT_UNBLOCKED_NMI) != 0 && !exit->during_delivery)
        block_nmis_again(vcpu);
    if (vector == EXCEPTION_DB)
        take_debug_exception(vcpu);
    if (type == VMX_EVENT_PRIVILEGED_EXCEPTION) {
        uint64_t next = vcpu_regs(vcpu)->rip + vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
        vcpu_regs(vcpu)->rip = guest_code_bits(vcpu) == 64 ? next : next & UINT32_MAX;
    }
    exit->kind = EXIT_FAULT;
    exit->fault_vector = (uint8_t)vector;
    exit->fault_has_error = (event & VMX_EVENT_HAS_ERROR) != 0;
    exit->fault_error = exit->fault_has_error ? (uint32_t)vmread(VMCS_EXIT_EVENT_ERROR) : 0;
}

// An event whose delivery was cut short by this exit is delivered by the next entry. Software interrupts and the traps
// of INT1, INT3 and INTO are left out: RIP still points at their instruction, which will run again (SDM 3C 27.2.4).
static __attribute__((cold)) void keep_interrupted_event(struct vcpu *vcpu, uint32_t event, struct exit *exit)
{
    uint32_t type = event & VMX_EVENT_TYPE_MASK;
    exit->during_delivery = true;
    if (type == VMX_EVENT_SOFTWARE_INTERRUPT || type == VMX_EVENT_PRIVILEGED_EXCEPTION ||
        type == VMX_EVENT_SOFTWARE_EXCEPTION)
        return;
    if (type == VMX_EVENT_NMI) { // delivering it closed NMIs; the entry wants to do that itself (SDM 3C 26.3.1.5)
        vcpu->arch->nmi_blocked = false;
        vcpu->arch->vmx.interruptibility &= ~BLOCKED_BY_NMI;
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, vcpu->arch->vmx.interruptibility);
    }
    bool has_error = (event & VMX_EVENT_HAS_ERROR) != 0;
    vmx_set_event(vcpu, event & (VMX_EVENT_VECTOR_MASK | VMX_EVENT_TYPE_MASK | VMX_EVENT_HAS_ERROR),
                  has_error ? (uint32_t)vmread(VMCS_VECTORING_EVENT_ERROR) : 0);
}

static void decode_by_rule(const struct exit_rule *rule, struct exit *exit)
{
    exit->kind = (enum exit_kind)rule->kind;
    if (rule->insn)
        exit->insn_length = (uint8_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
    exit->fault_vector = rule->fault_vector;
    exit->fault_has_error = rule->fault_has_error;
    exit->fault_error = 0;
}

static __attribute__((cold)) void decode_unknown(struct vcpu *vcpu, struct exit *exit)
{
    exit->kind = EXIT_UNKNOWN;
    exit->info = vmread(VMCS_EXIT_QUALIFICATION);
    if (exit->hardware_reason == VMX_EXIT_TASK_SWITCH)
        vm_kill(vcpu->vm, "a task switch by hardware at rip %#lx, which this version does not emulate on this CPU",
                vcpu_regs(vcpu)->rip);
    else if (vcpu->arch->world.entry_failed || (exit->hardware_reason & VMX_EXIT_ENTRY_FAILED) != 0)
        vmx_entry_failed(vcpu);
}

// Fields that a kind does not use are left as they were.
void vmx_decode_exit(struct vcpu *vcpu, struct exit *exit)
{
    uint32_t reason = (uint32_t)vmread(VMCS_EXIT_REASON), event = (uint32_t)vmread(VMCS_VECTORING_EVENT);
    exit->hardware_reason = reason;
    exit->insn_length = 0;
    exit->during_delivery = false;
    if (vcpu->arch->world.entry_failed) { // all exit fields are an earlier entry's
        decode_unknown(vcpu, exit);
        return;
    }
    if ((event & VMX_EVENT_VALID) != 0 && (reason & VMX_EXIT_ENTRY_FAILED) == 0) // which leaves the event (SDM 3C 26.8)
        keep_interrupted_event(vcpu, event, exit);
    if (reason == VMX_EXIT_EPT_VIOLATION)
        decode_nested_fault(vcpu, exit);
    else if (reason == VMX_EXIT_IO)
        decode_io(exit);
    else if (reason == VMX_EXIT_EXCEPTION)
        decode_exception(vcpu, exit);
    else if (reason == VMX_EXIT_CR)
        decode_control_register(exit);
    else if (reason < sizeof(rules) / sizeof(rules[0]) && rules[reason].known)
        decode_by_rule(&rules[reason], exit);
    else
        decode_unknown(vcpu, exit);
    if (reason == VMX_EXIT_VMCALL && vcpu->vm->config.bare) { // as on a machine without a hypervisor
        exit->kind = EXIT_FAULT;
        exit->fault_vector = EXCEPTION_UD;
        exit->fault_has_error = false;
    }
}
