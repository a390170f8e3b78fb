// SPDX-License-Identifier: MIT
// The x86 side of the seam (arch/arch.h): choosing the vendor, a vCPU's life, entering, events, and the instructions
// that belong to the architecture. Device accesses are mmio.c and portio.c.
#include "arch/x86_64/barrier.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/insn/decode.h"
#include "arch/x86_64/host/timer.h"
#include "arch/x86_64/host/idt.h"
#include "arch/x86_64/guest/guest.h"
#include "arch/x86_64/host/x86.h"
#include "time/ratio.h"
#include "vmm/base/alloc.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/stackguard.h"

#include <string.h>

#define PAT_RESET UINT64_C(0x0007040600070406) // SDM 3A 11.12.4

const struct vendor_ops *vendor;

// Whose hardware this is. Where there is none of either, the maker's own knows best what is missing.
static const struct vendor_ops *find_vendor(void)
{
    bool vmx = (x86_cpuid(1, 0).ecx & 1u << 5) != 0;
    bool svm = x86_cpuid(0x80000000, 0).eax >= 0x80000001 && (x86_cpuid(0x80000001, 0).ecx & 1u << 2) != 0;
    bool intel = x86_cpuid(0, 0).ebx == 0x756e6547; // "Genu"
    return vmx || (intel && !svm) ? &vmx_ops : &svm_ops;
}

bool arch_virtualization_init(struct refusal *refusal)
{
    vendor = find_vendor();
    if (!vendor->probe(refusal))
        return false;
    interrupts_init();
    if (!vendor->cpu_enable()) {
        format(refusal->text, sizeof(refusal->text), "too little memory to turn on %s", vendor->name);
        return false;
    }
    cpuid_init();
    barrier_init();
    return calibrate_world_switch(refusal);
}

const char *arch_description(void)
{
    return vendor->describe();
}

bool arch_vm_init(struct vm *vm)
{
    return nested_build(vm->ram, &vm->nested_root);
}

void arch_vm_free(struct vm *vm)
{
    nested_free(vm->nested_root);
}

#define ARCH_VCPU_PAGES ((sizeof(struct arch_vcpu) + PAGE_SIZE - 1) / PAGE_SIZE)

// Every register of the FPU and of its extensions as after reset: an image that names no component restores each to its
// initial state (SDM 1, 13.6). Where there is no XSAVE the legacy image has zeros for all of them.
static void reset_fpu(void)
{
    static struct {
        uint16_t control, unused[11];
        uint32_t mxcsr, rest[137];
    } image __attribute__((aligned(64))) = { .control = 0x37f, .mxcsr = 0x1f80 };
    _Static_assert(sizeof(image) == 576, "SDM 1, 13.4: legacy region and header");
    if ((x86_read_cr4() & CR4_OSXSAVE) == 0) {
        __asm__ volatile("fxrstor64 %0" : : "m"(image));
        return;
    }
    struct cpuid_result components = x86_cpuid(0xd, 0);
    x86_xsetbv(0, (uint64_t)components.edx << 32 | components.eax);
    __asm__ volatile("xrstor64 %0" : : "m"(image), "a"(UINT32_MAX), "d"(UINT32_MAX));
    x86_xsetbv(0, 1);
}

// What the switch leaves in the CPU because the monitor itself does not use it: the FPU (no code here is compiled for
// it), the debug address registers and TSC_AUX. Each VM starts with them as after reset.
static void reset_live_registers(void)
{
    reset_fpu();
    __asm__ volatile("mov %0, %%db0; mov %0, %%db1; mov %0, %%db2; mov %0, %%db3" : : "r"(UINT64_C(0)));
    if ((x86_cpuid(0x80000001, 0).edx & 1u << 27) != 0) // RDTSCP
        x86_wrmsr(MSR_TSC_AUX, 0);
}

// A deadline is so many cycles of V away; the alarm counts the counter's, or the host timer's. A scaled V (clock=wall,
// counter_hz=) is here taken at the rate it was asked for, which the multiplier may fall short of: an alarm that comes
// a cycle early for that is set again.
static void plan_alarm(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    struct vtime *vt = &vcpu->vm->vtime;
    uint64_t unit_cycles = vendor->alarm_unit_cycles();
    bool own_timer = unit_cycles != 0, scaled = vt->scale.multiplier != 0;
    arch->alarm_ratio =
        ratio_make(own_timer ? arch_counter_hz() : hosttimer_hz(), scaled ? vt->hz : arch_counter_hz());
    arch->alarm_is_v = arch->alarm_ratio.num == arch->alarm_ratio.den;
    // The switch's own timer cuts off what it cannot count.
    arch->alarm_extra = switch_costs.alarm + (own_timer ? unit_cycles - 1 : 0);
}

static void set_entry_registers(struct vcpu *vcpu, const struct entry_state *entry)
{
    struct emulate_regs *regs = vcpu_regs(vcpu);
    regs->rip = entry->pc;
    regs->rflags = 2;
    regs->gpr[GPR_RAX] = entry->rax;
    regs->gpr[GPR_RBX] = entry->rbx;
    regs->gpr[GPR_RDI] = entry->rdi;
    regs->gpr[GPR_RSI] = entry->rsi;
    regs->gpr[GPR_RSP] = entry->rsp;
}

bool arch_vcpu_init(struct vcpu *vcpu, const struct entry_state *entry)
{
    hpa pages = alloc_pages(ARCH_VCPU_PAGES, 1);
    if (pages.value == 0)
        return false;
    struct arch_vcpu *arch = (struct arch_vcpu *)pages.value;
    memset(arch, 0, sizeof(*arch));
    arch->pat = PAT_RESET;
    arch->world.alarm_mmio = (uintptr_t)hosttimer_mmio();
    arch->world.way_in = switch_costs.in;
    vcpu->arch = arch;
    guest_msr_reset(vcpu);
    pv_init(vcpu);
    reset_live_registers();
    set_entry_registers(vcpu, entry);
    plan_alarm(vcpu);
    vcpu->alarm_doubt = switch_costs.alarm_doubt;
    vcpu->switches = switch_costs.precision;
    vcpu->no_step = switch_costs.steps ? NULL
                                       : "delivery=exact needs a CPU that can be stopped after a single instruction "
                                         "(on Intel by VMX's monitor trap flag), and this one cannot: write "
                                         "delivery=alarm";
    if (vendor->vcpu_init(vcpu, entry))
        return true;
    free_pages(pages, ARCH_VCPU_PAGES);
    return false;
}

void arch_vcpu_free(struct vcpu *vcpu)
{
    vendor->vcpu_free(vcpu);
    free_pages((hpa){ (uintptr_t)vcpu->arch }, ARCH_VCPU_PAGES);
    vcpu->arch = NULL;
}

uint64_t guest_tsc(const struct vcpu *vcpu)
{
    return vcpu->vm->vtime.now + vcpu->arch->tsc_adjust;
}

// Once, and again when the guest has moved its TSC.
static __attribute__((noinline, cold)) void plan_tsc(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    struct counter_plan tsc = vtime_counter_plan(&vcpu->vm->vtime, arch->tsc_adjust, switch_costs.in);
    arch->world.tsc_base = tsc.base;
    arch->world.tsc_mask = tsc.mask;
    arch->tsc_planned = true;
}

// The alarm's count starts switch_costs.alarm ticks before the guest's first instruction; it fits the register.
void vcpu_set_slice(struct vcpu *vcpu, uint64_t alarm_cycles)
{
    struct arch_vcpu *arch = vcpu->arch;
    uint64_t ticks = __builtin_expect(arch->alarm_is_v, 1) ? alarm_cycles : ratio_ceil(arch->alarm_ratio, alarm_cycles);
    arch->world.v = vcpu->vm->vtime.now;
    arch->world.alarm = arch->alarm_extra + ticks;
    HOT_INVARIANT(alarm_cycles != 0 && arch->world.alarm <= UINT32_MAX);
}

static void set_time(struct vcpu *vcpu, uint64_t alarm_cycles)
{
    if (!vcpu->arch->tsc_planned)
        plan_tsc(vcpu);
    vcpu_set_slice(vcpu, alarm_cycles);
}

static __attribute__((noinline, cold)) void enter_for_one_step(struct vcpu *vcpu, struct slice *slice,
                                                               struct exit *exit)
{
    set_time(vcpu, 1);
    vendor->step(vcpu, slice, exit);
}

void vendor_enter(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    if (vendor == &svm_ops)
        svm_enter(vcpu, slice, exit);
    else
        vmx_enter(vcpu, slice, exit);
}

// Every exit comes through here: flatten makes the vendor's part one piece with it.
__attribute__((flatten)) void arch_vcpu_enter(struct vcpu *vcpu, uint64_t alarm_cycles, struct slice *slice,
                                              struct exit *exit)
{
    if (vcpu->arch->step_once)
        alarm_cycles = vcpu->vm->config.delivery == DELIVERY_EXACT ? ARCH_ONE_STEP : 1;
    if (alarm_cycles == ARCH_ONE_STEP) {
        enter_for_one_step(vcpu, slice, exit);
        return;
    }
    set_time(vcpu, alarm_cycles);
    vendor_enter(vcpu, slice, exit);
    slice->cost_cycles = switch_costs.total[exit->kind];
}

bool arch_vcpu_can_take(const struct vcpu *vcpu, enum arch_event event)
{
    bool open = event == ARCH_NMI ? !vcpu->arch->nmi_blocked : arch_vcpu_can_wake(vcpu);
    return open && !vcpu->arch->shadow && !vcpu->arch->event_queued;
}

bool arch_vcpu_can_wake(const struct vcpu *vcpu)
{
    return (vcpu->arch->world.regs.rflags & RFLAGS_IF) != 0;
}

void arch_vcpu_inject(struct vcpu *vcpu, enum arch_event event, unsigned vector)
{
    struct guest_event guest_event = { .type = EVENT_INTERRUPT, .vector = (uint8_t)vector };
    if (event == ARCH_NMI)
        guest_event = (struct guest_event){ .type = EVENT_NMI, .vector = VECTOR_NMI };
    vendor->inject(vcpu, guest_event);
}

bool vcpu_nmi_pending(const struct vcpu *vcpu)
{
    return (vcpu->vm->machine.lapic.direct & LAPIC_DIRECT_NMI) != 0;
}

void arch_vcpu_want_window(struct vcpu *vcpu, bool want)
{
    if (want || vcpu->arch->window_wanted || vcpu->arch->step_once || vcpu_nmi_pending(vcpu))
        vendor->want_window(vcpu, want);
}

// RIP wraps at the width of the code segment; stepping over an instruction ends an STI or MOV SS shadow, clears RF, and
// with TF set owes the guest its single-step trap (SDM 3B 17.3.1.1, 17.3.1.4).
void vcpu_skip_carefully(struct vcpu *vcpu, uint64_t next)
{
    struct emulate_regs *regs = vcpu_regs(vcpu);
    regs->rip = next >> 32 != 0 && guest_code_bits(vcpu) != 64 ? next & UINT32_MAX : next;
    regs->rflags &= ~RFLAGS_RF;
    if ((regs->rflags & RFLAGS_TF) != 0 && !vcpu->arch->event_queued)
        guest_debug_trap(vcpu, DR6_BS);
}

// With TF set the trap after the HLT wakes the guest again.
void arch_vcpu_halt(struct vcpu *vcpu, unsigned length)
{
    vcpu->halted = true;
    vcpu_skip(vcpu, length);
}

static void general_protection(struct vcpu *vcpu)
{
    guest_fault(vcpu, EXCEPTION_GP, true, 0);
}

static void emulate_cpuid(struct vcpu *vcpu, const struct exit *exit)
{
    guest_execute_cpuid(vcpu, &vcpu_regs(vcpu)->gpr[GPR_RAX]);
    vcpu_skip(vcpu, exit->insn_length);
}

static NO_STACKGUARD void emulate_rdmsr(struct vcpu *vcpu, const struct exit *exit)
{
    uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    uint64_t value;
    if (!guest_msr_read(vcpu, (uint32_t)gpr[GPR_RCX], &value)) {
        general_protection(vcpu);
        return;
    }
    gpr[GPR_RAX] = (uint32_t)value;
    gpr[GPR_RDX] = value >> 32;
    vcpu_skip(vcpu, exit->insn_length);
}

static void emulate_wrmsr(struct vcpu *vcpu, const struct exit *exit)
{
    const uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    uint64_t value = gpr[GPR_RDX] << 32 | (uint32_t)gpr[GPR_RAX];
    if (guest_msr_write(vcpu, (uint32_t)gpr[GPR_RCX], value))
        vcpu_skip(vcpu, exit->insn_length);
    else
        general_protection(vcpu);
}

// MOV to CR8: bits 63:4 are reserved (SDM 3A 11.8.6). The register is in the instruction.
static void emulate_tpr_write(struct vcpu *vcpu, const struct exit *exit)
{
    (void)exit;
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    if (insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) != DECODE_OK) {
        vm_kill(vcpu->vm, "the instruction that writes CR8 at rip %#llx cannot be read",
                (unsigned long long)vcpu_regs(vcpu)->rip);
        return;
    }
    uint64_t value = vcpu_regs(vcpu)->gpr[insn_rm(&insn)];
    if (value > 15) {
        general_protection(vcpu);
        return;
    }
    lapic_set_tpr(&vcpu->vm->machine.lapic, (uint8_t)(value << 4));
    vcpu_skip(vcpu, insn.length);
}

static void emulate_hypercall(struct vcpu *vcpu, const struct exit *exit)
{
    uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    gpr[GPR_RAX] = guest_hypercall(vcpu, gpr[GPR_RAX], gpr[GPR_RBX]);
    vcpu_skip(vcpu, exit->insn_length);
}

static void emulate_fault(struct vcpu *vcpu, const struct exit *exit)
{
    guest_fault(vcpu, exit->fault_vector, exit->fault_has_error, exit->fault_error);
}

static void emulate_nothing(struct vcpu *vcpu, const struct exit *exit)
{
    if (exit->insn_length != 0)
        vcpu_skip(vcpu, exit->insn_length);
}

typedef void (*emulator)(struct vcpu *vcpu, const struct exit *exit);

static const emulator emulators[EXIT_KIND_COUNT] = { // null: an exit that belongs to vmm/exit.c
    [EXIT_PORT] = emulate_port,
    [EXIT_MMIO] = emulate_mmio,
    [EXIT_CPU_ID] = emulate_cpuid,
    [EXIT_SYSREG_READ] = emulate_rdmsr,
    [EXIT_SYSREG_WRITE] = emulate_wrmsr,
    [EXIT_PRIORITY] = emulate_tpr_write,
    [EXIT_DEBUG] = emulate_debug_write,
    [EXIT_CONTROL] = emulate_control,
    [EXIT_HYPERCALL] = emulate_hypercall,
    [EXIT_FAULT] = emulate_fault,
    [EXIT_IGNORED] = emulate_nothing,
};

void arch_vcpu_emulate(struct vcpu *vcpu, const struct exit *exit)
{
    HOT_INVARIANT(emulators[exit->kind] != NULL);
    emulators[exit->kind](vcpu, exit);
}
