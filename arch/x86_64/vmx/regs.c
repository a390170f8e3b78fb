// SPDX-License-Identifier: MIT
// The guest's registers that live in the VMCS, or in the CPU: how the rest of arch/x86_64/ reads and writes them on
// VMX. SDM 3C 24.4, 24.6.6.
#include "arch/x86_64/vmx/vmx.h"
#include "vmm/base/panic.h"

// SDM 3C 30.3: all translations of all guests.
void vmx_flush_translations(void)
{
    const struct { uint64_t what, address; } all = { 0, 0 };
    __asm__ volatile("invept %0, %1" : : "m"(all), "r"(UINT64_C(2)) : "cc", "memory");
    if (vmx_caps.vpid)
        __asm__ volatile("invvpid %0, %1" : : "m"(all), "r"(UINT64_C(2)) : "cc", "memory");
}

// The bits of CR0 that stay the monitor's: what VMX needs, and the caches, which are the host's as well: an exit does
// not give CD and NW back (SDM 3C 27.5.1). The guest sees its own values of them.
static uint64_t owned_cr0(void)
{
    return vmx_caps.cr0_required | CR0_CD | CR0_NW;
}

// SDM 3A 4.4.1, SDM 3C 26.3.1.6: with PAE paging outside long mode the top entries are registers.
static void load_pdptes(struct vcpu *vcpu)
{
    const uint64_t *entries = guest_pdptes(vcpu);
    for (unsigned i = 0; entries != NULL && i < 4; i++)
        vmwrite(VMCS_GUEST_PDPTE0 + 2 * i, entries[i]);
}

static void set_cr0(struct vcpu *vcpu, uint64_t value)
{
    vmwrite(VMCS_CR0_MASK, owned_cr0());
    vmwrite(VMCS_CR0_SHADOW, value);
    vmwrite(VMCS_GUEST_CR0, (value & ~owned_cr0()) | vmx_caps.cr0_required);
    load_pdptes(vcpu);
    vmx_flush_translations();
}

static void set_cr4(struct vcpu *vcpu, uint64_t value)
{
    vmwrite(VMCS_CR4_MASK, ~guest_cr4_bits(vcpu));
    vmwrite(VMCS_CR4_SHADOW, value & ~vmx_caps.cr4_required);
    vmwrite(VMCS_GUEST_CR4, value | vmx_caps.cr4_required);
    load_pdptes(vcpu);
}

static void set_efer(uint64_t value)
{
    uint64_t entry = vmread(VMCS_ENTRY_CONTROLS) & ~(uint64_t)ENTRY_CTL_IA32E_GUEST;
    vmwrite(VMCS_ENTRY_CONTROLS, entry | ((value & EFER_LMA) != 0 ? ENTRY_CTL_IA32E_GUEST : 0));
    vmwrite(VMCS_GUEST_EFER, value);
}

static uint64_t code_bits(void)
{
    uint64_t rights = vmread(VMCS_GUEST_CS_RIGHTS);
    if ((rights & RIGHTS_LONG) != 0 && (vmread(VMCS_GUEST_EFER) & EFER_LMA) != 0)
        return 64;
    return (rights & RIGHTS_BIG) != 0 ? 32 : 16;
}

static uint64_t with_shadow(enum vmcs_field field, enum vmcs_field mask, enum vmcs_field shadow)
{
    uint64_t owned = vmread(mask);
    return (vmread(field) & ~owned) | (vmread(shadow) & owned);
}

// Registers that are a field of the VMCS and nothing more.
static const uint16_t plain_fields[] = {
    [REGISTER_CR3] = VMCS_GUEST_CR3,
    [REGISTER_DR7] = VMCS_GUEST_DR7,
    [REGISTER_PAT] = VMCS_GUEST_PAT,
    [REGISTER_ES_BASE] = VMCS_GUEST_ES_BASE,
    [REGISTER_CS_BASE] = VMCS_GUEST_CS_BASE,
    [REGISTER_SS_BASE] = VMCS_GUEST_SS_BASE,
    [REGISTER_DS_BASE] = VMCS_GUEST_DS_BASE,
    [REGISTER_FS_BASE] = VMCS_GUEST_FS_BASE,
    [REGISTER_GS_BASE] = VMCS_GUEST_GS_BASE,
    [REGISTER_SS_BITS] = 0,
};

// CR2 and DR6 are live, like DR0-3: an exit leaves them, and the monitor has no page faults and no breakpoints.
uint64_t vmx_get(const struct vcpu *vcpu, enum guest_register reg)
{
    uint64_t dr6;
    (void)vcpu; // one VMCS is current
    if (plain_fields[reg] != 0)
        return vmread(plain_fields[reg]);
    if (reg == REGISTER_CR0)
        return with_shadow(VMCS_GUEST_CR0, VMCS_CR0_MASK, VMCS_CR0_SHADOW);
    if (reg == REGISTER_CR4)
        return with_shadow(VMCS_GUEST_CR4, VMCS_CR4_MASK, VMCS_CR4_SHADOW);
    if (reg == REGISTER_CR2)
        return x86_read_cr2();
    if (reg == REGISTER_EFER)
        return vmread(VMCS_GUEST_EFER);
    if (reg == REGISTER_CS_BITS)
        return code_bits();
    if (reg == REGISTER_SS_BITS)
        return (vmread(VMCS_GUEST_SS_RIGHTS) & RIGHTS_BIG) != 0 ? 32 : 16;
    if (reg == REGISTER_CPL)
        return vmread(VMCS_GUEST_SS_RIGHTS) >> RIGHTS_DPL_SHIFT & 3;
    INVARIANT(reg == REGISTER_DR6);
    __asm__ volatile("mov %%db6, %0" : "=r"(dr6));
    return dr6;
}

void vmx_set(struct vcpu *vcpu, enum guest_register reg, uint64_t value)
{
    if (plain_fields[reg] != 0)
        vmwrite(plain_fields[reg], value);
    else if (reg == REGISTER_CR0)
        set_cr0(vcpu, value);
    else if (reg == REGISTER_CR4)
        set_cr4(vcpu, value);
    else if (reg == REGISTER_CR2)
        __asm__ volatile("mov %0, %%cr2" : : "r"(value));
    else if (reg == REGISTER_EFER)
        set_efer(value);
    else if (reg == REGISTER_DR6)
        __asm__ volatile("mov %0, %%db6" : : "r"(value));
    else
        panic("register %d of a guest cannot be set", reg);
}

// The upper half of the attributes is four bits further up here, and an absent segment has a bit that says so. A load
// of SS blocks events in the hardware, too, and a trap after it waits there (SDM 3C 26.3.1.5).
__attribute__((cold)) void vmx_segment(struct vcpu *vcpu, unsigned reg, struct guest_segment *segment, bool set)
{
    if (reg == SEGMENT_GDTR) {
        *segment = (struct guest_segment){ .base = vmread(VMCS_GUEST_GDTR_BASE),
                                           .limit = (uint32_t)vmread(VMCS_GUEST_GDTR_LIMIT) };
    } else if (!set) {
        uint64_t rights = vmread(VMCS_GUEST_ES_RIGHTS + 2 * reg);
        *segment = (struct guest_segment){
            .selector = (uint16_t)vmread(VMCS_GUEST_ES_SELECTOR + 2 * reg),
            .attributes = (uint16_t)((rights & 0xff) | (rights >> 4 & 0xf00)),
            .limit = (uint32_t)vmread(VMCS_GUEST_ES_LIMIT + 2 * reg),
            .base = vmread(VMCS_GUEST_ES_BASE + 2 * reg),
        };
        if ((rights & RIGHTS_UNUSABLE) != 0)
            segment->attributes &= (uint16_t)~SEGMENT_PRESENT;
    } else {
        uint32_t rights = (segment->attributes & 0xffu) | (segment->attributes & 0xf00u) << 4;
        bool usable = (segment->attributes & SEGMENT_PRESENT) != 0;
        vmwrite(VMCS_GUEST_ES_SELECTOR + 2 * reg, segment->selector);
        vmwrite(VMCS_GUEST_ES_LIMIT + 2 * reg, segment->limit);
        vmwrite(VMCS_GUEST_ES_RIGHTS + 2 * reg, usable ? rights : rights | RIGHTS_UNUSABLE);
        vmwrite(VMCS_GUEST_ES_BASE + 2 * reg, segment->base);
        if (reg == INSN_SS) {
            struct vmx_state *vmx = &vcpu->arch->vmx;
            vmx->interruptibility = (vmx->interruptibility & BLOCKED_BY_NMI) | BLOCKED_BY_MOV_SS;
            vmwrite(VMCS_GUEST_INTERRUPTIBILITY, vmx->interruptibility);
            vmwrite(VMCS_GUEST_PENDING_DEBUG, (vcpu_regs(vcpu)->rflags & RFLAGS_TF) != 0 ? PENDING_DEBUG_BS : 0);
        }
    }
}
