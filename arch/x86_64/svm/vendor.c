// SPDX-License-Identifier: MIT
// SVM: turning it on, the VMCB of a vCPU, entering the guest. Decoding what comes back is svm/exit.c; the switch itself
// is svm/world.S. Works with the least that a CPU may have (NPT) and uses NRIP save, flush by ASID and VMCB clean bits
// where CPUID 8000000Ah announces them. APM volume 2, chapter 15.
#include "arch/x86_64/svm/svm.h"
#include "arch/x86_64/guest/codewindow.h"
#include "arch/x86_64/host/switches.h"
#include "arch/x86_64/host/tsc.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/base/alloc.h"
#include "vmm/base/format.h"
#include "vmm/base/percpu.h"
#include "vmm/base/stackguard.h"

#define MSR_VM_HSAVE_PA  0xc0010117u // APM 2, 15.30.4
#define MSR_TSC_RATIO    0xc0000104u // APM 2, 15.30.5
#define TSC_RATIO_ONE    (UINT64_C(1) << 32)

#define SVM_FEATURE_NPT       (1u << 0)
#define SVM_FEATURE_NRIPS     (1u << 3)
#define SVM_FEATURE_TSC_RATIO (1u << 4)
#define SVM_FEATURE_CLEAN     (1u << 5)
#define SVM_FEATURE_FLUSHASID (1u << 6)
#define SVM_FEATURE_ASSISTS   (1u << 7)

static uint32_t svm_features; // CPUID 8000000Ah EDX
static uint32_t clean_after_exit; // VMCB clean bits of an entry before which only what is always written was written

static uint8_t io_permissions[3 * PAGE_SIZE] __attribute__((aligned(4096)));  // APM 2, 15.10.1: all intercepted
static uint8_t msr_permissions[2 * PAGE_SIZE] __attribute__((aligned(4096))); // APM 2, 15.11

bool svm_has_next_rip(void)
{
    return (svm_features & SVM_FEATURE_NRIPS) != 0;
}

uint8_t svm_flush(void)
{
    return (svm_features & SVM_FEATURE_FLUSHASID) != 0 ? TLB_CONTROL_FLUSH_ASID : TLB_CONTROL_FLUSH_ALL;
}

bool svm_has_decode_assists(void)
{
    return (svm_features & SVM_FEATURE_ASSISTS) != 0;
}

static bool svm_probe(struct refusal *refusal)
{
    struct cpuid_result highest = x86_cpuid(0x80000000, 0);
    if (highest.eax < 0x8000000a || (x86_cpuid(0x80000001, 0).ecx & (1u << 2)) == 0) {
        format(refusal->text, sizeof(refusal->text),
               "this CPU does not offer AMD SVM (CPUID 80000001h ECX bit 2); under QEMU use -cpu max,+svm");
        return false;
    }
    if (switch_of_vm_cr(x86_rdmsr(MSR_VM_CR)) == SWITCH_LOCKED_OFF) {
        format(refusal->text, sizeof(refusal->text),
               "SVM is disabled and locked by the firmware: enable \"SVM Mode\" in the setup, then power off and on");
        return false;
    }
    svm_features = x86_cpuid(0x8000000a, 0).edx;
    if ((svm_features & SVM_FEATURE_TSC_RATIO) != 0)
        tsc_set_scaling((struct counterscale_format){ .bits = 40, .fraction_bits = 32 });
    if ((svm_features & SVM_FEATURE_CLEAN) != 0)
        clean_after_exit = CLEAN_ALL & ~(CLEAN_INTERCEPTS | CLEAN_INTERRUPT);
    if ((svm_features & SVM_FEATURE_NPT) == 0) {
        format(refusal->text, sizeof(refusal->text),
               "this CPU's SVM has no nested paging (CPUID 8000000Ah EDX bit 0); under QEMU use -cpu max,+svm");
        return false;
    }
    return true;
}

// APM 2, 15.11: two bits an MSR, the second range of the map starts at byte 800h for C0000000h.
#define INTERCEPT_MSR_WRITE 2u

static void intercept_msr(uint32_t msr, uint32_t intercepts)
{
    uint32_t bit = (msr & 0x1fff) * 2 + (msr >= 0xc0000000 ? 0x800 * 8 : 0);
    uint8_t others = msr_permissions[bit / 8] & (uint8_t)~(3u << (bit % 8));
    msr_permissions[bit / 8] = others | (uint8_t)(intercepts << (bit % 8));
}

// MSRs that the guest may touch without an exit: their value is in the VMCB, or in the CPU where the monitor has none
// of its own. Where the CPU does not look whether an address is one, msr.c does.
static void pass_msrs(void)
{
    static const uint32_t passed[] = {
        0x174, 0x175, 0x176,    // SYSENTER_CS, _ESP, _EIP: 32 bits count (APM 2, 6.1.2)
        0xc0000081, 0xc0000084, // STAR, SFMASK
        MSR_TSC_AUX,            // live: RDTSCP and RDPID show it, the monitor uses neither
    };
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        intercept_msr(passed[i], 0);
    static const uint32_t addresses[] = { MSR_LSTAR, MSR_CSTAR, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        intercept_msr(addresses[i], switch_costs.addresses_checked ? 0 : INTERCEPT_MSR_WRITE);
}

static bool svm_cpu_enable(void)
{
    uint64_t vm_cr = x86_rdmsr(MSR_VM_CR);
    if (switch_of_vm_cr(vm_cr) == SWITCH_OPEN)
        x86_wrmsr(MSR_VM_CR, vm_cr & ~VM_CR_SVMDIS);
    hpa pages = alloc_pages(2, 1);
    if (pages.value == 0)
        return false;
    x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_SVME);
    x86_wrmsr(MSR_VM_HSAVE_PA, pages.value);
    struct cpu *cpu = this_cpu();
    cpu->host_area = pages.value + PAGE_SIZE;
    memset((void *)cpu->host_area, 0, PAGE_SIZE);
    __asm__ volatile("vmsave %%rax" : : "a"(cpu->host_area) : "memory");

    memset(io_permissions, 0xff, sizeof(io_permissions));
    memset(msr_permissions, 0xff, sizeof(msr_permissions));
    return true;
}

static const char *svm_describe(void)
{
    static char text[160];
    format(text, sizeof(text),
           "AMD SVM, nested paging, %u ASIDs, NRIP save %s, flush by ASID %s, clean bits %s, decode assists %s",
           x86_cpuid(0x8000000a, 0).ebx, svm_has_next_rip() ? "yes" : "no",
           (svm_features & SVM_FEATURE_FLUSHASID) != 0 ? "yes" : "no",
           (svm_features & SVM_FEATURE_CLEAN) != 0 ? "yes" : "no", svm_has_decode_assists() ? "yes" : "no");
    return text;
}

static uint64_t svm_alarm_unit_cycles(void)
{
    return 0;
}

static void set_intercepts(struct vmcb *vmcb)
{
    // control.c knows which bits of CR4 there are, and gives #GP for what TCG takes as CR0 and the next VMRUN refuses.
    vmcb->intercept_cr = INTERCEPT_CR0_WRITE | INTERCEPT_CR4_WRITE | INTERCEPT_CR8_WRITE;
    vmcb->intercept_dr = INTERCEPT_DR_WRITES; // debugreg.c says why
    // #DB and #AC can recur for ever inside their own delivery, with no boundary for an interrupt: a guest could hold
    // the CPU. Taken here and given back one at a time, each costs an exit instead.
    vmcb->intercept_exception = (1u << EXCEPTION_DB) | (1u << EXCEPTION_AC) | (1u << EXCEPTION_MC);
    vmcb->intercept_misc1 = INTERCEPT1_INTR | INTERCEPT1_NMI | INTERCEPT1_SMI | INTERCEPT1_INIT | INTERCEPT1_RDPMC |
                            INTERCEPT1_CPUID | INTERCEPT1_RSM | INTERCEPT1_INVD | INTERCEPT1_HLT | INTERCEPT1_INVLPGA |
                            INTERCEPT1_IOIO | INTERCEPT1_MSR | INTERCEPT1_SHUTDOWN;
    vmcb->intercept_misc2 = INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD | INTERCEPT2_VMSAVE |
                            INTERCEPT2_STGI | INTERCEPT2_CLGI | INTERCEPT2_SKINIT | INTERCEPT2_MONITOR |
                            INTERCEPT2_MWAIT;
    vmcb->iopm_base = (uintptr_t)io_permissions;
    vmcb->msrpm_base = (uintptr_t)msr_permissions;
}

static void set_entry_state(struct vcpu *vcpu, const struct entry_state *entry)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    bool long_mode = entry->mode == ENTRY_LONG64;
    struct vmcb_segment code = { long_mode ? 0x10 : 0x08, long_mode ? 0xa9b : 0xc9b, UINT32_MAX, 0 };
    struct vmcb_segment data = { long_mode ? 0x18 : 0x10, 0xc93, UINT32_MAX, 0 };
    vmcb->cs = code;
    vmcb->ds = vmcb->es = vmcb->ss = vmcb->fs = vmcb->gs = data;
    vmcb->gdtr.limit = vmcb->idtr.limit = 0xffff;
    if (long_mode)
        vmcb->gdtr = (struct vmcb_segment){ 0, 0, entry->gdt_limit, entry->gdt };
    vmcb->ldtr = (struct vmcb_segment){ 0, 0x82, 0xffff, 0 };
    vmcb->tr = (struct vmcb_segment){ 0, 0x8b, 0xffff, 0 };
    vmcb->cr0 = 0x10 | CR0_PE | (long_mode ? CR0_PG : 0);
    vmcb->cr4 = long_mode ? CR4_PAE : 0;
    vmcb->cr3 = long_mode ? entry->cr3 : 0;
    vmcb->efer = EFER_SVME | (long_mode ? EFER_LME | EFER_LMA : 0);
    vmcb->dr6 = 0xffff0ff0;
    vmcb->dr7 = 0x400;
    vmcb->g_pat = vcpu->arch->pat;
}

static bool svm_vcpu_init(struct vcpu *vcpu, const struct entry_state *entry)
{
    hpa page = alloc_pages(1, 1);
    if (page.value == 0)
        return false;
    struct vmcb *vmcb = (struct vmcb *)page.value;
    memset(vmcb, 0, sizeof(*vmcb));
    vcpu->arch->vmcb = vmcb;
    code_forget(vcpu);
    vcpu->arch->world.vmcb = page.value;
    vcpu->arch->world.host_vmcb = this_cpu()->host_area;
    set_intercepts(vmcb);
    pass_msrs();
    if (vcpu->vm->config.bare)
        vmcb->intercept_misc2 &= ~INTERCEPT2_VMMCALL; // then it is #UD, as on a machine without a hypervisor
    vmcb->asid = GUEST_ASID;
    vmcb->tlb_control = svm_flush();
    vmcb->int_ctl = INT_CTL_V_INTR_MASKING;
    vmcb->np_enable = 1;
    vmcb->nested_cr3 = vcpu->vm->nested_root.value;
    set_entry_state(vcpu, entry);
    if ((svm_features & SVM_FEATURE_TSC_RATIO) != 0) { // it multiplies in the guest only
        uint64_t multiplier = vcpu->vm->vtime.scale.multiplier;
        x86_wrmsr(MSR_TSC_RATIO, multiplier != 0 ? multiplier : TSC_RATIO_ONE);
    }
    if (vcpu->vm->config.delivery != DELIVERY_EXACT || svm_step_init(vcpu))
        return true;
    free_pages(page, 1);
    return false;
}

static void svm_vcpu_free(struct vcpu *vcpu)
{
    svm_step_free(vcpu);
    free_pages((hpa){ vcpu->arch->world.vmcb }, 1);
}

// The guest's FS, GS, TR, LDTR and syscall MSRs in. From here to close_world() the CPU holds them, also while the
// monitor runs between two switches, and no interrupt or NMI comes: GIF is clear. IF is set so that the first one
// that is pending ends the guest's slice.
static void open_world(const struct world *world)
{
    __asm__ volatile("clgi; sti; vmload %%rax" : : "a"(world->vmcb) : "memory");
}

// ... and out, and the host's own back, before an NMI may come in.
static void close_world(const struct world *world)
{
    __asm__ volatile("vmsave %%rax" : : "a"(world->vmcb) : "memory");
    __asm__ volatile("vmload %%rax; cli; stgi" : : "a"(world->host_vmcb) : "memory");
}

NO_STACKGUARD void svm_enter(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    struct arch_vcpu *arch = vcpu->arch;
    struct vmcb *vmcb = arch->vmcb;
    struct emulate_regs *regs = &arch->world.regs;
    vmcb->rax = regs->gpr[GPR_RAX];
    vmcb->rsp = regs->gpr[GPR_RSP];
    vmcb->rip = regs->rip;
    vmcb->rflags = regs->rflags;
    vmcb->clean = arch->vmcb_clean;
    vmcb->int_state = arch->shadow; // INT_STATE_SHADOW is bit 0
    vmcb->v_tpr = lapic_tpr(&vcpu->vm->machine.lapic) >> 4; // CR8 reads do not exit, this answers them

    bool quick = vcpu->quick_now && arch->under_way == 0;
    open_world(&arch->world);
    world_switch(&arch->world);
    vmcb->clean = clean_after_exit;
    vmcb->tlb_control = TLB_CONTROL_NOTHING;
    enum quick_outcome outcome = quick ? svm_answer(vcpu) : QUICK_NOT_TAKEN;
    close_world(&arch->world);
    if (__builtin_expect((uint32_t)vmcb->exit_code == SVM_EXIT_INVALID, 0) && !svm_guest_ran(vcpu)) {
        svm_entry_refused(vcpu, slice, exit);
        return;
    }

    regs->gpr[GPR_RAX] = vmcb->rax;
    regs->gpr[GPR_RSP] = vmcb->rsp;
    regs->rip = vmcb->rip;
    regs->rflags = vmcb->rflags;
    arch->shadow = (vmcb->int_state & INT_STATE_SHADOW) != 0;
    vmcb->event_inj = 0;
    if (arch->interrupt_queued)
        arch->interrupt_queued = (vmcb->int_ctl & INT_CTL_V_IRQ) != 0;
    arch->event_queued = arch->interrupt_queued;
    arch->vmcb_clean = clean_after_exit;
    slice->t0 = arch->world.t0;
    slice->t1 = arch->world.t1;
    exit->booked = outcome != QUICK_NOT_TAKEN;
    if (outcome == QUICK_LAST)
        exit->kind = EXIT_ANSWERED;
    else
        svm_decode_exit(vcpu, exit);
}

#define INT_CTL_V_IRQ_FIRST (INT_CTL_V_IRQ | INT_CTL_V_IGN_TPR | (0xfu << INT_CTL_V_PRIO_SHIFT)) // outranks every TPR

// An external interrupt goes in as the virtual interrupt of int_ctl, taken at the guest's first boundary, because it is
// injected only when that boundary can take it. EVENTINJ would do the same on hardware, but QEMU's TCG (7.2)
// leaves its vector behind and delivers it a second time, inside the handler, when the slice ends by a host interrupt.
// A host interrupt that comes first leaves V_IRQ set; svm_enter() then keeps it queued.
static void inject_interrupt(struct vcpu *vcpu, uint8_t vector)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    vmcb->int_vector = vector;
    vmcb->int_ctl |= INT_CTL_V_IRQ_FIRST;
    vmcb->intercept_misc1 &= ~INTERCEPT1_VINTR;
    vcpu->arch->interrupt_queued = true;
}

static void svm_inject(struct vcpu *vcpu, struct guest_event event)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    vcpu->arch->event_queued = true;
    if (event.type == EVENT_INTERRUPT) {
        inject_interrupt(vcpu, event.vector);
        return;
    }
    vmcb->event_inj = EVENT_VALID | (event.type == EVENT_NMI ? EVENT_TYPE_NMI : EVENT_TYPE_EXCEPTION) | event.vector |
                      (event.has_error ? EVENT_HAS_ERROR | (uint64_t)event.error << 32 : 0);
    if (event.type == EVENT_NMI) {
        vcpu->arch->nmi_blocked = true;
        vmcb->intercept_misc1 |= INTERCEPT1_IRET;
    }
}

// The same virtual interrupt with its delivery intercepted: the guest exits at the first boundary where IF is set and
// no shadow is in the way (APM 2, 15.21.4). Three states cannot be waited for like that, and run one instruction on
// their own first: a virtual interrupt that is itself still to be delivered, an interrupt shadow where VMRUN loses the
// one it is given (QEMU's TCG, found out at boot), and an NMI after another event or a shadow, which IF does not know.
static void svm_want_window(struct vcpu *vcpu, bool want)
{
    struct arch_vcpu *arch = vcpu->arch;
    bool shadow_lost = arch->shadow && !switch_costs.shadow_honoured && (arch->world.regs.rflags & RFLAGS_IF) != 0;
    bool nmi_waits = vcpu_nmi_pending(vcpu) && !arch->nmi_blocked; // kept back by this boundary alone
    arch->step_once = arch->iret_passed || nmi_waits || (want && (arch->interrupt_queued || shadow_lost));
    arch->window_wanted = want && !arch->step_once;
    if (arch->interrupt_queued)
        return;
    if (arch->window_wanted) {
        arch->vmcb->int_ctl |= INT_CTL_V_IRQ_FIRST;
        arch->vmcb->intercept_misc1 |= INTERCEPT1_VINTR;
    } else {
        arch->vmcb->int_ctl &= ~INT_CTL_V_IRQ_FIRST;
        arch->vmcb->intercept_misc1 &= ~INTERCEPT1_VINTR;
    }
}

const struct vendor_ops svm_ops = {
    .name = "svm",
    .probe = svm_probe,
    .cpu_enable = svm_cpu_enable,
    .describe = svm_describe,
    .alarm_unit_cycles = svm_alarm_unit_cycles,
    .vcpu_init = svm_vcpu_init,
    .vcpu_free = svm_vcpu_free,
    .code = svm_code,
    .get = svm_get,
    .set = svm_set,
    .segment = svm_segment,
    .inject = svm_inject,
    .want_window = svm_want_window,
    .step = svm_step,
};
