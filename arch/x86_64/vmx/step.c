// SPDX-License-Identifier: MIT
// One instruction of the guest by the monitor trap flag (SDM 3C 25.5.2): the exit comes after it, or after the
// delivery of the event that this entry injects, before any instruction; each iteration of a REP is one. Nothing of it
// is in a register of the guest's, so there is nothing to hide, which is why this is so much shorter than svm/step.c.
#include "arch/x86_64/vmx/vmx.h"

// The exit comes before the guest's own trap after the same instruction (SDM 3C 25.5.2), which waits in the VMCS and
// would be lost if the next entry delivered something else (26.6.3): what comes first goes in first.
static void deliver_pending_trap(struct vcpu *vcpu)
{
    uint64_t pending = vmread(VMCS_GUEST_PENDING_DEBUG);
    if (vcpu->arch->shadow || (pending & (PENDING_DEBUG_BS | PENDING_DEBUG_ENABLED)) == 0)
        return;
    vmwrite(VMCS_GUEST_PENDING_DEBUG, 0);
    guest_debug_trap(vcpu, pending & (DR6_CAUSES | DR6_BS));
}

void vmx_step(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    struct arch_vcpu *arch = vcpu->arch;
    bool delivers = arch->event_queued;
    arch->world.alarm = UINT32_MAX; // after it
    vmwrite(VMCS_PROC_CONTROLS, arch->vmx.proc | (vmx_caps.trap_flag ? PROC_MONITOR_TRAP : 0));
    vmx_enter(vcpu, slice, exit);
    vmwrite(VMCS_PROC_CONTROLS, arch->vmx.proc);
    if (exit->kind == EXIT_STEP) {
        exit->during_delivery = delivers;
        deliver_pending_trap(vcpu);
    }
    slice->cost_cycles = switch_costs.total[exit->kind];
}
