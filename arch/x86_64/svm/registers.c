// SPDX-License-Identifier: MIT
// The guest's registers that the VMCB holds: control, debug and segment registers (APM 2, appendix B).
#include "arch/x86_64/svm/svm.h"

static uint64_t *register_field(const struct vcpu *vcpu, enum guest_register reg)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    switch (reg) {
    case REGISTER_CR0: return &vmcb->cr0;
    case REGISTER_CR2: return &vmcb->cr2;
    case REGISTER_CR3: return &vmcb->cr3;
    case REGISTER_CR4: return &vmcb->cr4;
    case REGISTER_EFER: return &vmcb->efer;
    case REGISTER_DR6: return &vmcb->dr6;
    case REGISTER_DR7: return &vmcb->dr7;
    case REGISTER_PAT: return &vmcb->g_pat;
    case REGISTER_ES_BASE: return &vmcb->es.base;
    case REGISTER_CS_BASE: return &vmcb->cs.base;
    case REGISTER_SS_BASE: return &vmcb->ss.base;
    case REGISTER_DS_BASE: return &vmcb->ds.base;
    case REGISTER_FS_BASE: return &vmcb->fs.base;
    case REGISTER_GS_BASE: return &vmcb->gs.base;
    case REGISTER_KERNEL_GS_BASE: return &vmcb->kernel_gs_base;
    case REGISTER_LSTAR: return &vmcb->lstar;
    case REGISTER_CSTAR: return &vmcb->cstar;
    case REGISTER_CPL:
    case REGISTER_CS_BITS:
    case REGISTER_SS_BITS: return NULL;
    }
    return NULL;
}

uint64_t svm_get(const struct vcpu *vcpu, enum guest_register reg)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    const uint64_t *field = register_field(vcpu, reg);
    if (field != NULL)
        return reg == REGISTER_EFER ? *field & ~EFER_SVME : *field;
    if (reg == REGISTER_CPL)
        return vmcb->cpl;
    if (reg == REGISTER_SS_BITS)
        return (vmcb->ss.attributes & (1u << 10)) != 0 ? 32 : 16;
    bool long_code = (vmcb->efer & EFER_LMA) != 0 && (vmcb->cs.attributes & (1u << 9)) != 0;
    return long_code ? 64 : (vmcb->cs.attributes & (1u << 10)) != 0 ? 32 : 16;
}

void svm_set(struct vcpu *vcpu, enum guest_register reg, uint64_t value)
{
    uint64_t *field = register_field(vcpu, reg);
    INVARIANT(field != NULL);
    // VMRUN requires SVME in the guest's EFER (APM 2, 15.5.1); the guest itself never sees the bit.
    *field = reg == REGISTER_EFER ? value | EFER_SVME : value;
    // A MOV that the guest executes itself flushes what the bit concerns (APM 2, 5.5.2).
    if (reg == REGISTER_CR0 || reg == REGISTER_CR4)
        vcpu->arch->vmcb->tlb_control = svm_flush();
    vcpu->arch->vmcb_clean = 0;
}

// The same form as the VMCB's own.
__attribute__((cold)) void svm_segment(struct vcpu *vcpu, unsigned reg, struct guest_segment *segment, bool set)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    struct vmcb_segment *field = reg == SEGMENT_TR     ? &vmcb->tr
                                 : reg == SEGMENT_LDTR ? &vmcb->ldtr
                                 : reg == SEGMENT_GDTR ? &vmcb->gdtr
                                                       : &vmcb->es + reg;
    if (set)
        *field = (struct vmcb_segment){ segment->selector, segment->attributes, segment->limit, segment->base };
    else
        *segment = (struct guest_segment){ field->selector, field->attributes, field->limit, field->base };
    if (set)
        vcpu->arch->vmcb_clean = 0;
}
