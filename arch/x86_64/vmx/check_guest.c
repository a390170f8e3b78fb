// SPDX-License-Identifier: MIT
// The rules a VMCS must keep for VM entry, second part: the guest's state (SDM 3C 26.3.1), its segments apart.
#include "arch/x86_64/vmx/check.h"
#include "arch/x86_64/vmx/msr.h"

#define RFLAGS_ONE     (UINT64_C(1) << 1)
#define RFLAGS_ZEROS   UINT64_C(0xffffffffffc08028)
#define DEBUGCTL_KNOWN UINT64_C(0xffc7)
#define DEBUGCTL_BTF   (UINT64_C(1) << 1)
#define NO_LINK        UINT64_MAX // a VMCS link pointer that points nowhere
#define VECTOR_DB      1u
#define VECTOR_MC      18u

// 26.3.1.1
static void check_control_registers(struct vmx_walk *w)
{
    vmx_rule_fixed(w, FIELD(GUEST_CR0), MSR_VMX_CR0_FIXED0, w->unrestricted ? CR0_PE | CR0_PG : 0);
    vmx_rule(w, w->cr0 & CR0_PE || !(w->cr0 & CR0_PG), FIELD(GUEST_CR0), "PG needs PE");
    vmx_rule_fixed(w, FIELD(GUEST_CR4), MSR_VMX_CR4_FIXED0, 0);
    vmx_rule(w, w->cr0 & CR0_WP || !(w->cr4 & CR4_CET), FIELD(GUEST_CR4), "CET needs CR0.WP");
    if (w->long_mode) {
        vmx_rule(w, w->cr0 & CR0_PG, FIELD(GUEST_CR0), "an IA-32e guest needs PG");
        vmx_rule(w, w->cr4 & CR4_PAE, FIELD(GUEST_CR4), "an IA-32e guest needs PAE");
    } else {
        vmx_rule(w, !(w->cr4 & CR4_PCIDE), FIELD(GUEST_CR4), "only an IA-32e guest may have PCIDE");
    }
    vmx_rule_cr3(w, FIELD(GUEST_CR3));
}

static void check_msrs(struct vmx_walk *w)
{
    if (w->entry & ENTRY_CTL_LOAD_DEBUG) {
        vmx_rule_bits(w, vmx_walk_read(w, VMCS_GUEST_DEBUGCTL) & ~DEBUGCTL_KNOWN, FIELD(GUEST_DEBUGCTL),
                      "reserved bits must be 0");
        vmx_rule_bits(w, vmx_walk_read(w, VMCS_GUEST_DR7) >> 32 << 32, FIELD(GUEST_DR7), "bits 63:32 must be 0");
    }
    vmx_rule_canonical(w, FIELD(GUEST_SYSENTER_ESP));
    vmx_rule_canonical(w, FIELD(GUEST_SYSENTER_EIP));
    if (w->entry & ENTRY_CTL_LOAD_PAT)
        vmx_rule_pat(w, FIELD(GUEST_PAT));
    if (w->entry & ENTRY_CTL_LOAD_EFER) {
        uint64_t efer = vmx_walk_read(w, VMCS_GUEST_EFER);
        bool lme = efer & EFER_LME, lma = efer & EFER_LMA;
        vmx_rule_bits(w, efer & ~EFER_KNOWN, FIELD(GUEST_EFER), "reserved bits must be 0");
        vmx_rule(w, lma == w->long_mode, FIELD(GUEST_EFER), "LMA must say the same as the entry control IA-32e guest");
        vmx_rule(w, lme == lma || !(w->cr0 & CR0_PG), FIELD(GUEST_EFER), "LMA must equal LME while CR0.PG is 1");
    }
}

// 26.3.1.3
static void check_descriptor_tables(struct vmx_walk *w)
{
    vmx_rule_canonical(w, FIELD(GUEST_GDTR_BASE));
    vmx_rule_canonical(w, FIELD(GUEST_IDTR_BASE));
    vmx_rule(w, vmx_walk_read(w, VMCS_GUEST_GDTR_LIMIT) <= 0xffff, FIELD(GUEST_GDTR_LIMIT), "must be 16 bits");
    vmx_rule(w, vmx_walk_read(w, VMCS_GUEST_IDTR_LIMIT) <= 0xffff, FIELD(GUEST_IDTR_LIMIT), "must be 16 bits");
}

static bool injects(const struct vmx_walk *w, uint32_t type)
{
    return w->event & VMX_EVENT_VALID && (w->event & VMX_EVENT_TYPE_MASK) == type;
}

// 26.3.1.4
static void check_rip_and_rflags(struct vmx_walk *w)
{
    if (w->long_mode && vmx_walk_read(w, VMCS_GUEST_CS_RIGHTS) & RIGHTS_LONG)
        vmx_rule_canonical(w, FIELD(GUEST_RIP));
    else
        vmx_rule_bits(w, vmx_walk_read(w, VMCS_GUEST_RIP) >> 32 << 32, FIELD(GUEST_RIP),
                      "bits 63:32 must be 0 outside 64-bit code");
    vmx_rule_bits(w, w->rflags & RFLAGS_ZEROS, FIELD(GUEST_RFLAGS), "reserved bits must be 0");
    vmx_rule(w, w->rflags & RFLAGS_ONE, FIELD(GUEST_RFLAGS), "bit 1 must be 1");
    vmx_rule(w, !w->virtual_8086 || (!w->long_mode && !w->real_mode), FIELD(GUEST_RFLAGS),
             "VM must be 0 in an IA-32e guest and while CR0.PE is 0");
    vmx_rule(w, w->rflags & RFLAGS_IF || !injects(w, VMX_EVENT_INTERRUPT), FIELD(GUEST_RFLAGS),
             "IF must be 1 when an interrupt is injected");
}

// What may be injected into a guest that is in this activity.
static bool may_wake(const struct vmx_walk *w, uint64_t activity)
{
    uint32_t vector = w->event & VMX_EVENT_VECTOR_MASK;
    bool exception = injects(w, VMX_EVENT_EXCEPTION);
    switch (activity) {
    case ACTIVITY_ACTIVE: return true;
    case ACTIVITY_HLT:
        return injects(w, VMX_EVENT_INTERRUPT) || injects(w, VMX_EVENT_NMI) || injects(w, VMX_EVENT_OTHER) ||
               (exception && (vector == VECTOR_DB || vector == VECTOR_MC));
    case ACTIVITY_SHUTDOWN: return injects(w, VMX_EVENT_NMI) || (exception && vector == VECTOR_MC);
    default: return false;
    }
}

// 26.3.1.5
static void check_activity(struct vmx_walk *w, uint64_t activity, uint64_t blocked)
{
    static const uint64_t has[] = { 0, VMX_MISC_HLT, VMX_MISC_SHUTDOWN, VMX_MISC_SIPI };
    uint64_t misc = vmx_walk_msr(w, MSR_VMX_MISC);
    uint64_t ss_dpl = vmx_walk_read(w, VMCS_GUEST_SS_RIGHTS) >> RIGHTS_DPL_SHIFT & 3;
    vmx_rule(w, activity <= ACTIVITY_SIPI, FIELD(GUEST_ACTIVITY), "must be 0 to 3");
    if (activity >= ACTIVITY_HLT && activity <= ACTIVITY_SIPI)
        vmx_rule(w, misc & has[activity], FIELD(GUEST_ACTIVITY), "must be one that this processor has");
    vmx_rule(w, activity != ACTIVITY_HLT || ss_dpl == 0, FIELD(GUEST_ACTIVITY), "HLT needs SS.DPL 0");
    vmx_rule(w, activity == ACTIVITY_ACTIVE || !(blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)), FIELD(GUEST_ACTIVITY),
             "must be active while STI or MOV SS blocks");
    vmx_rule(w, !(w->event & VMX_EVENT_VALID) || may_wake(w, activity), FIELD(GUEST_ACTIVITY),
             "the injected event cannot be delivered in this activity");
}

static void check_interruptibility(struct vmx_walk *w, uint64_t blocked)
{
    bool sti = blocked & BLOCKED_BY_STI, mov_ss = blocked & BLOCKED_BY_MOV_SS;
    vmx_rule_bits(w, blocked & ~UINT64_C(0x1f), FIELD(GUEST_INTERRUPTIBILITY), "bits 31:5 must be 0");
    vmx_rule(w, !sti || !mov_ss, FIELD(GUEST_INTERRUPTIBILITY), "STI and MOV SS cannot both block");
    vmx_rule(w, !sti || w->rflags & RFLAGS_IF, FIELD(GUEST_INTERRUPTIBILITY), "STI cannot block while IF is 0");
    vmx_rule(w, !injects(w, VMX_EVENT_INTERRUPT) || (!sti && !mov_ss), FIELD(GUEST_INTERRUPTIBILITY),
             "neither STI nor MOV SS may block an injected interrupt");
    vmx_rule(w, !injects(w, VMX_EVENT_NMI) || (!sti && !mov_ss), FIELD(GUEST_INTERRUPTIBILITY),
             "neither STI nor MOV SS may block an injected NMI");
    vmx_rule(w, !(blocked & BLOCKED_BY_SMI), FIELD(GUEST_INTERRUPTIBILITY), "SMI cannot block outside SMM");
    vmx_rule(w, !(w->pin & PIN_VIRTUAL_NMI) || !injects(w, VMX_EVENT_NMI) || !(blocked & BLOCKED_BY_NMI),
             FIELD(GUEST_INTERRUPTIBILITY), "NMI cannot block an injected virtual NMI");
}

static void check_pending_debug(struct vmx_walk *w, uint64_t activity, uint64_t blocked)
{
    uint64_t pending = vmx_walk_read(w, VMCS_GUEST_PENDING_DEBUG);
    uint64_t known = UINT64_C(15) | PENDING_DEBUG_ENABLED | PENDING_DEBUG_BS | PENDING_DEBUG_RTM;
    bool by_branch = vmx_walk_read(w, VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF;
    bool steps = w->rflags & RFLAGS_TF && !by_branch, step_pends = pending & PENDING_DEBUG_BS;
    vmx_rule_bits(w, pending & ~known, FIELD(GUEST_PENDING_DEBUG), "reserved bits must be 0");
    if (blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS) || activity == ACTIVITY_HLT)
        vmx_rule(w, step_pends == steps, FIELD(GUEST_PENDING_DEBUG),
                 "while STI or MOV SS blocks, and in HLT, BS must be 1 if TF is 1 and BTF 0, and else 0");
}

// 26.3.1.6
static void check_pdptes(struct vmx_walk *w)
{
    static const struct {
        uint32_t field;
        const char *name;
    } pdptes[] = { { FIELD(GUEST_PDPTE0) }, { FIELD(GUEST_PDPTE1) }, { FIELD(GUEST_PDPTE2) }, { FIELD(GUEST_PDPTE3) } };
    unsigned high = w->source->physical_bits;
    if (w->long_mode || !(w->cr0 & CR0_PG) || !(w->cr4 & CR4_PAE) || !(w->proc2 & PROC2_EPT))
        return;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t entry = vmx_walk_read(w, pdptes[i].field);
        if (entry & 1)
            vmx_rule_bits(w, (entry & UINT64_C(0x1e6)) | entry >> high << high, pdptes[i].field, pdptes[i].name,
                          "reserved bits of a present entry must be 0");
    }
}

void vmx_check_guest(struct vmx_walk *w)
{
    uint64_t activity = vmx_walk_read(w, VMCS_GUEST_ACTIVITY), link = vmx_walk_read(w, VMCS_LINK_POINTER);
    uint64_t blocked = vmx_walk_read(w, VMCS_GUEST_INTERRUPTIBILITY);
    check_control_registers(w);
    check_msrs(w);
    vmx_check_segments(w);
    check_descriptor_tables(w);
    check_rip_and_rflags(w);
    check_activity(w, activity, blocked);
    check_interruptibility(w, blocked);
    check_pending_debug(w, activity, blocked);
    vmx_rule(w, link == NO_LINK || (!(link & 0xfff) && !(link >> w->source->physical_bits)), FIELD(LINK_POINTER),
             "must be all ones, or a page within the physical addresses");
    check_pdptes(w);
}
