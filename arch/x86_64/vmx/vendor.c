// SPDX-License-Identifier: MIT
// VMX: turning it on, the VMCS of a vCPU, entering the guest. What the processor offers is vmx/caps.c, decoding what
// comes back is vmx/exit.c, the switch itself is vmx/world.S. Unrestricted guests on EPT: real mode and paging off need
// nothing special. The twin of svm/vendor.c, in its order. SDM 3C, chapters 23 to 27.
#include "arch/x86_64/vmx/vmx.h"
#include "arch/x86_64/guest/codewindow.h"
#include "arch/x86_64/host/cpu.h"
#include "arch/x86_64/vmx/meter.h"
#include "arch/x86_64/vmx/msr.h"
#include "arch/x86_64/host/switches.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/base/alloc.h"
#include "vmm/base/stackguard.h"

#define CR4_VMXE       (UINT64_C(1) << 13)
#define MSR_X2APIC_TPR 0x808u

#define GUEST_VPID 1 // one VM runs at a time; its translations are flushed before the next one starts

#define RIGHTS_CODE32 0xc09b // accessed, present, 4 KiB granular: what a loader leaves behind
#define RIGHTS_CODE64 0xa09b
#define RIGHTS_DATA   0xc093
#define RIGHTS_LDT    0x0082
#define RIGHTS_TSS    0x008b

enum segment { ES, CS, SS, DS, FS, GS, LDTR, TR };

static uint8_t io_permissions[2 * PAGE_SIZE] __attribute__((aligned(4096))); // SDM 3C 24.6.4: all exit
static uint8_t msr_permissions[PAGE_SIZE] __attribute__((aligned(4096)));    // SDM 3C 24.6.9

// MSRs that the guest may touch without an exit: their value is in the VMCS, or in the CPU where the monitor has none
// of its own (SDM 3C 24.6.9: a bit an MSR; reads below, writes 800h bytes above; C0000000h starts at byte 400h).
static void pass_msr(uint32_t msr)
{
    uint32_t bit = (msr & 0x1fff) + (msr >= 0xc0000000 ? 0x400 * 8 : 0);
    msr_permissions[bit / 8] &= (uint8_t)~(1u << (bit % 8));
    msr_permissions[0x800 + bit / 8] &= (uint8_t)~(1u << (bit % 8));
}

// In x2APIC mode the TPR is read from the virtual-APIC page, where CR8 is read from, too (SDM 3C 29.5): no exit. In any
// other mode the MSR is not there.
static void pass_tpr_reads(struct vmx_state *vmx, bool x2apic)
{
    vmx->tpr_passed = x2apic;
    if ((vmx_caps.proc2 & PROC2_X2APIC) == 0)
        return;
    uint8_t *byte = &msr_permissions[MSR_X2APIC_TPR / 8];
    *byte = x2apic ? *byte & (uint8_t)~(1u << MSR_X2APIC_TPR % 8) : *byte | (uint8_t)(1u << MSR_X2APIC_TPR % 8);
}

// A region that begins with the revision (SDM 3C 24.2, 24.11.5).
static hpa new_region(void)
{
    hpa page = alloc_pages(1, 1);
    if (page.value != 0) {
        memset((void *)page.value, 0, PAGE_SIZE);
        *(uint32_t *)page.value = vmx_caps.revision;
    }
    return page;
}

static bool vmx_cpu_enable(void)
{
    uint64_t feature = x86_rdmsr(MSR_FEATURE_CONTROL);
    if (switch_of_feature_control(feature) == SWITCH_OPEN)
        x86_wrmsr(MSR_FEATURE_CONTROL, feature | FEATURE_CONTROL_VMX | FEATURE_CONTROL_LOCKED);
    hpa region = new_region();
    if (region.value == 0)
        return false;
    x86_write_cr4(x86_read_cr4() | CR4_VMXE);
    __asm__ volatile("vmxon %0" : : "m"(region.value) : "cc", "memory");

    memset(io_permissions, 0xff, sizeof(io_permissions));
    memset(msr_permissions, 0xff, sizeof(msr_permissions));
    static const uint32_t passed[] = {
        0x174, 0x175, 0x176,                            // SYSENTER_CS, _ESP, _EIP
        0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, // STAR, LSTAR, CSTAR, SFMASK: live, not used by the monitor
        0xc0000100, 0xc0000101, 0xc0000102,             // FS_BASE, GS_BASE; KERNEL_GS_BASE: live
        MSR_TSC_AUX,                                    // live: RDTSCP and RDPID show it, the monitor uses neither
    };
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        pass_msr(passed[i]);
    return true;
}

static uint64_t vmx_alarm_unit_cycles(void)
{
    return vmx_caps.timer ? UINT64_C(1) << vmx_caps.timer_rate : 0;
}

// A VMCS that has been cleared promises nothing about its fields (SDM 3C 24.11.3): what stays 0 is written, too.
static void set_zeros(void)
{
    static const uint16_t fields[] = {
        VMCS_CR3_TARGET_COUNT, VMCS_EXIT_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_EVENT,
        VMCS_PF_ERROR_MASK, VMCS_PF_ERROR_MATCH, VMCS_TPR_THRESHOLD, VMCS_HOST_FS_SELECTOR, VMCS_HOST_GS_SELECTOR,
        VMCS_HOST_FS_BASE, VMCS_HOST_GS_BASE, VMCS_HOST_SYSENTER_CS, VMCS_HOST_SYSENTER_ESP, VMCS_HOST_SYSENTER_EIP,
        VMCS_GUEST_IDTR_BASE, VMCS_GUEST_SYSENTER_CS, VMCS_GUEST_SYSENTER_ESP, VMCS_GUEST_SYSENTER_EIP,
        VMCS_GUEST_DEBUGCTL, VMCS_GUEST_ACTIVITY, VMCS_GUEST_INTERRUPTIBILITY, VMCS_GUEST_PENDING_DEBUG,
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        vmwrite(fields[i], 0);
}

// What an exit gives back to the monitor (SDM 3C 24.5). RSP is the switch's.
static void set_host_state(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } gdt, idt;
    __asm__("sgdt %0" : "=m"(gdt));
    __asm__("sidt %0" : "=m"(idt));
    const uint64_t *tss = (const uint64_t *)(gdt.base + SELECTOR_TSS);
    vmwrite(VMCS_HOST_CR0, x86_read_cr0());
    vmwrite(VMCS_HOST_CR3, x86_read_cr3());
    vmwrite(VMCS_HOST_CR4, x86_read_cr4());
    vmwrite(VMCS_HOST_EFER, x86_rdmsr(MSR_EFER));
    vmwrite(VMCS_HOST_PAT, x86_rdmsr(MSR_PAT));
    vmwrite(VMCS_HOST_CS_SELECTOR, SELECTOR_CODE);
    vmwrite(VMCS_HOST_SS_SELECTOR, SELECTOR_DATA);
    vmwrite(VMCS_HOST_DS_SELECTOR, SELECTOR_DATA);
    vmwrite(VMCS_HOST_ES_SELECTOR, SELECTOR_DATA);
    vmwrite(VMCS_HOST_TR_SELECTOR, SELECTOR_TSS);
    vmwrite(VMCS_HOST_GDTR_BASE, gdt.base);
    vmwrite(VMCS_HOST_IDTR_BASE, idt.base);
    // SDM 3A 7.2.3: the descriptor of a 64-bit TSS has its base in three pieces.
    vmwrite(VMCS_HOST_TR_BASE, (tss[0] >> 16 & 0xffffff) | (tss[0] >> 56) << 24 | tss[1] << 32);
    vmwrite(VMCS_HOST_RIP, (uintptr_t)world_way.vmx_exit);
}

static void set_controls(struct vcpu *vcpu)
{
    struct vmx_state *vmx = &vcpu->arch->vmx;
    vmx->proc = vmx_caps.proc;
    pass_tpr_reads(vmx, false);
    vmwrite(VMCS_PIN_CONTROLS, vmx_caps.pin);
    vmwrite(VMCS_PROC_CONTROLS, vmx_caps.proc);
    uint64_t multiplier = vcpu->vm->vtime.scale.multiplier;
    vmwrite(VMCS_PROC2_CONTROLS, vmx_caps.proc2 | (multiplier != 0 ? PROC2_TSC_SCALING : 0));
    if (multiplier != 0)
        vmwrite(VMCS_TSC_MULTIPLIER, multiplier);
    vmwrite(VMCS_EXIT_CONTROLS, vmx_caps.exit);
    vmwrite(VMCS_ENTRY_CONTROLS, vmx_caps.entry);
    // #DB and #AC can recur for ever inside their own delivery, with no boundary for an interrupt: a guest could hold
    // the CPU. Taken here and given back one at a time, each costs an exit instead.
    vmwrite(VMCS_EXCEPTION_BITMAP, 1u << EXCEPTION_DB | 1u << EXCEPTION_AC | 1u << EXCEPTION_MC);
    vmwrite(VMCS_IO_BITMAP_A, (uintptr_t)io_permissions);
    vmwrite(VMCS_IO_BITMAP_B, (uintptr_t)io_permissions + PAGE_SIZE);
    vmwrite(VMCS_MSR_BITMAP, (uintptr_t)msr_permissions);
    vmwrite(VMCS_VIRTUAL_APIC, vmx->apic_page.value);
    vmwrite(VMCS_EPT_POINTER, vcpu->vm->nested_root.value | EPTP_WRITE_BACK | EPTP_WALK_4);
    if (vmx_caps.vpid)
        vmwrite(VMCS_VPID, GUEST_VPID);
    vmwrite(VMCS_LINK_POINTER, UINT64_MAX);
}

static void set_segment(enum segment segment, uint16_t selector, uint32_t limit, uint32_t rights)
{
    vmwrite(VMCS_GUEST_ES_SELECTOR + 2 * segment, selector);
    vmwrite(VMCS_GUEST_ES_LIMIT + 2 * segment, limit);
    vmwrite(VMCS_GUEST_ES_RIGHTS + 2 * segment, rights);
    vmwrite(VMCS_GUEST_ES_BASE + 2 * segment, 0);
}

static void set_entry_state(struct vcpu *vcpu, const struct entry_state *entry)
{
    bool long_mode = entry->mode == ENTRY_LONG64;
    set_segment(CS, long_mode ? 0x10 : 0x08, UINT32_MAX, long_mode ? RIGHTS_CODE64 : RIGHTS_CODE32);
    static const enum segment data[] = { ES, SS, DS, FS, GS };
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
        set_segment(data[i], long_mode ? 0x18 : 0x10, UINT32_MAX, RIGHTS_DATA);
    set_segment(LDTR, 0, 0xffff, RIGHTS_LDT);
    set_segment(TR, 0, 0xffff, RIGHTS_TSS);
    vmwrite(VMCS_GUEST_GDTR_BASE, long_mode ? entry->gdt : 0);
    vmwrite(VMCS_GUEST_GDTR_LIMIT, long_mode ? entry->gdt_limit : 0xffff);
    vmwrite(VMCS_GUEST_IDTR_LIMIT, 0xffff);
    vmwrite(VMCS_GUEST_CR3, long_mode ? entry->cr3 : 0);
    vmx_set(vcpu, REGISTER_CR4, long_mode ? CR4_PAE : 0);
    vmx_set(vcpu, REGISTER_EFER, long_mode ? EFER_LME | EFER_LMA : 0);
    vmx_set(vcpu, REGISTER_CR0, CR0_ET | CR0_PE | (long_mode ? CR0_PG : 0));
    vmx_set(vcpu, REGISTER_CR2, 0);
    vmx_set(vcpu, REGISTER_DR6, 0xffff0ff0);
    vmx_set(vcpu, REGISTER_DR7, 0x400);
    vmx_set(vcpu, REGISTER_PAT, vcpu->arch->pat);
    static const uint32_t live[] = { 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102 };
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
        x86_wrmsr(live[i], 0);
}

static bool vmx_vcpu_init(struct vcpu *vcpu, const struct entry_state *entry)
{
    struct arch_vcpu *arch = vcpu->arch;
    hpa vmcs = new_region(), apic_page = alloc_pages(1, 1);
    if (vmcs.value == 0 || apic_page.value == 0) {
        if (vmcs.value != 0)
            free_pages(vmcs, 1);
        if (apic_page.value != 0)
            free_pages(apic_page, 1);
        return false;
    }
    memset((void *)apic_page.value, 0, PAGE_SIZE);
    code_forget(vcpu);
    arch->vmx.vmcs = vmcs;
    arch->vmx.apic_page = apic_page;
    arch->world.timer = vmx_caps.timer;
    arch->world.timer_rate = vmx_caps.timer_rate;
    __asm__ volatile("vmclear %0" : : "m"(vmcs.value) : "cc", "memory");
    __asm__ volatile("vmptrld %0" : : "m"(vmcs.value) : "cc", "memory");
    set_zeros();
    set_host_state();
    set_controls(vcpu);
    set_entry_state(vcpu, entry);
    vmx_start_meters(vcpu);
    vmx_flush_translations();
    return true;
}

static void vmx_vcpu_free(struct vcpu *vcpu)
{
    struct vmx_state *vmx = &vcpu->arch->vmx;
    __asm__ volatile("vmclear %0" : : "m"(vmx->vmcs.value) : "cc", "memory");
    free_pages(vmx->vmcs, 1);
    free_pages(vmx->apic_page, 1);
}

// What the monitor has changed of the registers that the VMCS keeps.
static inline void write_registers(struct arch_vcpu *arch)
{
    struct vmx_state *vmx = &arch->vmx;
    const struct emulate_regs *regs = &arch->world.regs;
    if (regs->rip != vmx->rip)
        vmwrite(VMCS_GUEST_RIP, regs->rip);
    if (regs->gpr[GPR_RSP] != vmx->rsp)
        vmwrite(VMCS_GUEST_RSP, regs->gpr[GPR_RSP]);
    if (regs->rflags != vmx->rflags)
        vmwrite(VMCS_GUEST_RFLAGS, regs->rflags);
    if (!arch->shadow && (vmx->interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) != 0) {
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, vmx->interruptibility & BLOCKED_BY_NMI);
        vmwrite(VMCS_GUEST_PENDING_DEBUG, 0); // what waited for the end of the shadow: vcpu_skip() has seen to it
    }
}

static inline void read_registers(struct arch_vcpu *arch)
{
    struct vmx_state *vmx = &arch->vmx;
    struct emulate_regs *regs = &arch->world.regs;
    regs->rip = vmx->rip = vmread(VMCS_GUEST_RIP);
    regs->gpr[GPR_RSP] = vmx->rsp = vmread(VMCS_GUEST_RSP);
    regs->rflags = vmx->rflags = vmread(VMCS_GUEST_RFLAGS);
    vmx->interruptibility = (uint32_t)vmread(VMCS_GUEST_INTERRUPTIBILITY);
    arch->shadow = (vmx->interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)) != 0;
    arch->nmi_blocked = (vmx->interruptibility & BLOCKED_BY_NMI) != 0;
}

NO_STACKGUARD void vmx_enter(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    struct arch_vcpu *arch = vcpu->arch;
    write_registers(arch);
    const struct lapic *lapic = &vcpu->vm->machine.lapic;
    *(uint32_t *)(arch->vmx.apic_page.value + APIC_PAGE_TPR) = lapic_tpr(lapic); // for reads that do not exit
    if (lapic_in_x2apic(lapic) != arch->vmx.tpr_passed)
        pass_tpr_reads(&arch->vmx, !arch->vmx.tpr_passed);

    bool quick = vcpu->quick_now && arch->under_way == 0;
    world_switch(&arch->world);
    arch->world.launched = true;
    vmx_read_meters(vcpu);
    enum quick_outcome outcome = quick ? vmx_answer(vcpu) : QUICK_NOT_TAKEN;

    read_registers(arch);
    arch->event_queued = false;
    slice->t0 = arch->world.t0;
    slice->t1 = arch->world.t1;
    exit->booked = outcome != QUICK_NOT_TAKEN;
    if (outcome == QUICK_LAST)
        exit->kind = EXIT_ANSWERED;
    else
        vmx_decode_exit(vcpu, exit);
}

static NO_STACKGUARD const uint8_t *vmx_code(struct vcpu *vcpu, size_t count)
{
    uint64_t rip = vcpu_regs(vcpu)->rip, rights = vmread(VMCS_GUEST_CS_RIGHTS);
    struct code_place place = {
        .cr0 = vmread(VMCS_GUEST_CR0),
        .cr3 = vmread(VMCS_GUEST_CR3),
        .efer = vmread(VMCS_GUEST_EFER),
        .attributes = rights,
    };
    place.bits64 = (rights & RIGHTS_LONG) != 0 && (place.efer & EFER_LMA) != 0;
    place.linear = place.bits64 ? rip : (vmread(VMCS_GUEST_CS_BASE) + rip) & UINT32_MAX;
    return code_at(vcpu, place, count);
}

// What is delivered ends a shadow (SDM 3C 26.6.1), which is taken off now: a shadow with TF set is refused at the entry
// unless the trap is pending after it, and the exit for that trap has taken it away (26.3.1.5, 27.3.4).
void vmx_set_event(struct vcpu *vcpu, uint32_t event, uint32_t error)
{
    vcpu->arch->shadow = false;
    // SDM 3C 26.2.1.3: in real mode nothing has an error code.
    if ((vmread(VMCS_GUEST_CR0) & CR0_PE) == 0)
        event &= ~VMX_EVENT_HAS_ERROR;
    vmwrite(VMCS_ENTRY_EVENT, event | VMX_EVENT_VALID);
    vmwrite(VMCS_ENTRY_EVENT_ERROR, error);
    vcpu->arch->event_queued = true;
}

static void vmx_inject(struct vcpu *vcpu, struct guest_event event)
{
    static const uint32_t types[] = {
        [EVENT_INTERRUPT] = VMX_EVENT_INTERRUPT,
        [EVENT_NMI] = VMX_EVENT_NMI,
        [EVENT_EXCEPTION] = VMX_EVENT_EXCEPTION,
    };
    vmx_set_event(vcpu, types[event.type] | event.vector | (event.has_error ? VMX_EVENT_HAS_ERROR : 0), event.error);
}

// The guest exits at the first boundary where IF is set and no shadow is in the way, or where an NMI can come (SDM 3C
// 24.6.2), after what this entry delivers.
static void vmx_want_window(struct vcpu *vcpu, bool want)
{
    struct vmx_state *vmx = &vcpu->arch->vmx;
    bool nmi = vcpu_nmi_pending(vcpu);
    uint32_t proc = vmx->proc & ~(PROC_INTERRUPT_WINDOW | PROC_NMI_WINDOW);
    proc |= (want ? PROC_INTERRUPT_WINDOW : 0) | (nmi ? PROC_NMI_WINDOW : 0);
    vcpu->arch->window_wanted = want || nmi;
    if (proc != vmx->proc)
        vmwrite(VMCS_PROC_CONTROLS, vmx->proc = proc);
}

const struct vendor_ops vmx_ops = {
    .name = "vmx",
    .nested_leaf = UINT64_C(6) << 3, // memory type write-back, SDM 3C table 28-6
    .probe = vmx_probe,
    .cpu_enable = vmx_cpu_enable,
    .describe = vmx_describe,
    .alarm_unit_cycles = vmx_alarm_unit_cycles,
    .vcpu_init = vmx_vcpu_init,
    .vcpu_free = vmx_vcpu_free,
    .code = vmx_code,
    .get = vmx_get,
    .set = vmx_set,
    .segment = vmx_segment,
    .inject = vmx_inject,
    .want_window = vmx_want_window,
    .step = vmx_step,
};
