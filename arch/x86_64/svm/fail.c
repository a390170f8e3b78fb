// SPDX-License-Identifier: MIT
// VMEXIT_INVALID: a VM entry that the processor refused, so that no guest has run. The VM ends, and its record shows
// what it was to be entered with. The VMCB has not all of that after QEMU's TCG: for CR0, CR3 or CR4, at which it looks
// before it loads anything, it stores the monitor's own registers there, else the lower bits of the monitor's RIP.
//
// QEMU's TCG has the same exit for reserved bits in a MOV to CR3, where a CPU gives #GP (APM 2, 3.1.2). That guest has
// run, and gets its #GP, where this is certain by what no guest can arrange: on that CPU alone, with a CR3 that is not
// the monitor's, and a state that no VMRUN refuses.
#include "arch/x86_64/guest/codewindow.h"
#include "arch/x86_64/svm/svm.h"
#include "arch/x86_64/svm/check.h"

static struct {
    bool     known, is_tcg;
    unsigned physical_bits;
} cpu;

static void look_at_cpu(void)
{
    struct cpuid_result name = x86_cpuid(0x40000000, 0); // "TCGTCGTCGTCG"
    cpu.is_tcg = name.ebx == 0x54474354 && name.ecx == 0x43544743 && name.edx == 0x47435447;
    cpu.physical_bits = x86_cpuid(0x80000008, 0).eax & 0xff;
    cpu.known = true;
}

static bool holds_host_state(const struct vmcb *vmcb)
{
    return vmcb->cr3 == x86_read_cr3();
}

bool svm_guest_ran(const struct vcpu *vcpu)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if (!cpu.known)
        look_at_cpu();
    return cpu.is_tcg && !holds_host_state(vmcb) && svm_broken_rule(vmcb, cpu.physical_bits) == NULL;
}

// The monitor's registers do not stay in a VMCB, where the record, or a person's key, would show them.
static void forget_host_state(struct vcpu *vcpu)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    memset(&vmcb->es, 0, sizeof(*vmcb) - offsetof(struct vmcb, es));
    vmcb->efer = EFER_SVME;
    vcpu->arch->state_lost = true;
    code_forget(vcpu);
}

void svm_entry_refused(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    bool lost = holds_host_state(vmcb);
    const char *rule = lost ? "the state that breaks a rule is lost" : svm_broken_rule(vmcb, cpu.physical_bits);
    slice->t0 = vcpu->arch->world.t0;
    slice->t1 = vcpu->arch->world.t1;
    *exit = (struct exit){ .kind = EXIT_UNKNOWN, .hardware_reason = (uint32_t)vmcb->exit_code };
    if (lost) {
        forget_host_state(vcpu);
    } else {
        vcpu_regs(vcpu)->gpr[GPR_RAX] = vmcb->rax;
        vcpu_regs(vcpu)->gpr[GPR_RSP] = vmcb->rsp;
        vcpu->arch->vmcb->rip = vcpu_regs(vcpu)->rip;
    }
    vm_kill(vcpu->vm, "VM entry refused (VMEXIT_INVALID): %s",
            rule != NULL ? rule : "no rule that is checked here is broken");
}
