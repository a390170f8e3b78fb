// SPDX-License-Identifier: MIT
// The arm64 side of the seam (arch/arch.h): a vCPU's life, entering, events, and the exits that are about one
// instruction. The guest runs at EL1 with its own registers in the CPU; the monitor at EL2, with E2H clear on every
// CPU.
#include "arch/arm64/guest/guest.h"

#include <string.h>

#include "arch/arm64/barrier.h"
#include "arch/arm64/host/board.h"
#include "arch/arm64/host/gic.h"
#include "arch/arm64/meter.h"
#include "arch/arm64/quick.h"
#include "arch/arm64/guest/pvtime.h"
#include "arch/arm64/guest/smccc.h"
#include "arch/arm64/guest/sysreg.h"
#include "arch/arm64/host/timertrial.h"
#include "arch/arm64/guest/traps.h"
#include "vmm/base/alloc.h"
#include "vmm/base/format.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/log.h"
#include "vmm/show/report.h"
#include "vmm/base/stackguard.h"

#define ARCH_VCPU_PAGES ((sizeof(struct arch_vcpu) + PAGE_SIZE - 1) / PAGE_SIZE)

bool arch_virtualization_init(struct refusal *refusal)
{
    if (!traps_possible()) {
        format(refusal->text, sizeof(refusal->text),
               "this CPU's EL2 is always a host's (HCR_EL2.E2H cannot be cleared), which this version does not know");
        return false;
    }
    if (!hostgic_init(board(), refusal))
        return false;
    if ((sysreg_read(id_aa64pfr0_el1) & 0xf) == 0) {
        format(refusal->text, sizeof(refusal->text), "this CPU has no AArch64 at EL1");
        return false;
    }
    sysreg_init(hostgic_version());
    traps_set();
    meter_init();
    timertrial();
    barrier_init();
    return calibrate_world_switch(refusal);
}

const char *arch_description(void)
{
    static char text[80];
    bool vhe = ((sysreg_read(id_aa64mmfr1_el1) >> 8) & 0xf) != 0;
    format(text, sizeof(text), "arm64 at EL2, CPU %#lx %s VHE, GICv%u with %u list registers",
           sysreg_read(midr_el1), vhe ? "with" : "without", hostgic_version(), lr_count());
    return text;
}

// --- one VM ---------------------------------------------------------------------------------------------------------

bool arch_vm_init(struct vm *vm)
{
    return stage2_build(vm->ram, &vm->nested_root);
}

void arch_vm_free(struct vm *vm)
{
    stage2_free(vm->nested_root);
}

// --- the vCPU's life ------------------------------------------------------------------------------------------------

static bool map_pages(struct vcpu *vcpu)
{
    hpa root = vcpu->vm->nested_root;
    hpa gicv = { hostgic_gicv_page() };
    if (gicv.value != 0 && !stage2_map_page(root, VIRT_GICC, gicv, STAGE2_DEVICE_RW))
        return false;
    return stage2_map_page(root, VIRT_STOLEN, vcpu->arch->pvtime.page, STAGE2_NORMAL_RO);
}

bool arch_vcpu_init(struct vcpu *vcpu, const struct entry_state *entry)
{
    hpa pages = alloc_pages(ARCH_VCPU_PAGES, 1);
    if (pages.value == 0)
        return false;
    struct arch_vcpu *arch = (struct arch_vcpu *)pages.value;
    memset(arch, 0, sizeof(*arch));
    vcpu->arch = arch;
    if (!pvtime_init(&arch->pvtime) || !map_pages(vcpu)) {
        pvtime_free(&arch->pvtime);
        free_pages(pages, ARCH_VCPU_PAGES);
        return false;
    }
    guest_registers_reset();
    debug_reset(&arch->debug);
    fpu_reset();
    lr_init(vcpu);
    stage2_use(vcpu->vm->nested_root);
    stage2_loaded(vcpu->vm->ram, entry->pc, entry->kernel_end);
    stage2_loaded(vcpu->vm->ram, entry->initrd_start, entry->initrd_end);
    stage2_loaded(vcpu->vm->ram, entry->x0, entry->tree_end);
    arch->world.pc = entry->pc;
    arch->world.x[0] = entry->x0;
    arch->world.pstate = PSTATE_EL1H | PSTATE_DAIF;
    guest_pmu_reset(vcpu);
    arch->way_in = switch_costs.in;
    vcpu->alarm_doubt = switch_costs.alarm_doubt;
    vcpu->switches = switch_costs.precision;
    vcpu->never_ahead = !timertrial_leads();
    vcpu->no_step = "delivery=exact is not there on arm64 in this version: leave the word out, the alarm is met to the "
                    "instruction where the host counts instructions";
    return true;
}

void arch_vcpu_free(struct vcpu *vcpu)
{
    sysreg_write(cntv_ctl_el0, 0);
    lr_free(vcpu);
    hostgic_deactivate(board()->timer_virtual_intid);
    pvtime_free(&vcpu->arch->pvtime);
    free_pages((hpa){ (uintptr_t)vcpu->arch }, ARCH_VCPU_PAGES);
    vcpu->arch = NULL;
}

// --- entering -------------------------------------------------------------------------------------------------------

// Modelled costs take V ahead of the host's counter, too, by no more than one instruction's: what the monitor itself
// has not taken of it is waited for before each entry.
static __attribute__((noinline, cold)) void plan_counter(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    const struct vtime *vt = &vcpu->vm->vtime;
    struct counter_plan plan = vtime_counter_plan(vt, vcpu->vm->machine.counter_start, arch->way_in);
    arch->world.counter_base = plan.base;
    arch->world.counter_mask = plan.mask;
    arch->counter_planned = !(vcpu->never_ahead && vt->clock == CLOCK_GUEST_EMU);
    while (vcpu->never_ahead && arm64_counter() < vt->now)
        arm64_yield();
}

// What few entries need. False: no exit may be answered on the short way, because each is to be seen here.
static __attribute__((noinline, cold)) bool prepare_entry(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    if (!arch->counter_planned)
        plan_counter(vcpu);
    if (arch->pmu_counts)
        meter_follow(vcpu);
    if (arch->timer_queued)
        vcpu_take_timer_back(vcpu);
    arch->entry_plain = arch->counter_planned && !arch->pmu_counts;
    return !arch->pmu_counts;
}

uint64_t switch_cost(struct vcpu *vcpu, enum exit_kind kind, uint64_t elapsed)
{
    if (__builtin_expect(elapsed < switch_costs.total[kind], 0))
        slice_was_short(vcpu, elapsed);
    return switch_costs.total[kind];
}

void vcpu_set_slice(struct vcpu *vcpu, uint64_t alarm_cycles)
{
    vcpu->arch->world.v = vcpu->vm->vtime.now;
    vcpu->arch->world.alarm = alarm_cycles + switch_costs.alarm;
}

__attribute__((flatten)) void arch_vcpu_enter(struct vcpu *vcpu, uint64_t alarm_cycles, struct slice *slice,
                                              struct exit *exit)
{
    struct arch_vcpu *arch = vcpu->arch;
    bool short_way = arch->entry_plain || prepare_entry(vcpu);
    pvtime_before_entry(vcpu, &arch->pvtime);
    arch->world.quick = short_way && vcpu->quick_now ? vcpu : NULL;
    arch->world.booked = false;
    vcpu_set_slice(vcpu, alarm_cycles);
    world_switch(&arch->world);
    slice->t0 = arch->world.t0;
    slice->t1 = arch->world.t1;
    decode_exit(vcpu, exit);
    exit->booked = arch->world.booked;
    slice->cost_cycles = switch_cost(vcpu, exit->kind, slice->t1 - slice->t0);
}

// --- events ---------------------------------------------------------------------------------------------------------

// Whatever can be delivered goes into list registers, and the hardware delivers it when the guest lets it. A WFI lasts
// until the CPU interface signals something: an active interrupt, or one that is masked there, does not end it.
bool arch_vcpu_can_take(const struct vcpu *vcpu, enum arch_event event)
{
    return event == ARCH_INTERRUPT && (!vcpu->halted || lr_would_signal(vcpu));
}

// WFI ends by any interrupt, masked or not (Arm ARM D1.16.2).
bool arch_vcpu_can_wake(const struct vcpu *vcpu)
{
    (void)vcpu;
    return true;
}

// All that is pending competes anew for the list registers.
void arch_vcpu_inject(struct vcpu *vcpu, enum arch_event event, unsigned vector)
{
    (void)event;
    (void)vector;
    if (lr_in_use(vcpu))
        vcpu_fold(vcpu);
    lr_fill(vcpu);
    machine_interrupts_listed(vcpu->vm);
}

// The list registers ask for maintenance by themselves when more is pending than they hold.
void arch_vcpu_want_window(struct vcpu *vcpu, bool want)
{
    (void)vcpu;
    (void)want;
}

// arm64 has no clock page with such a flag.
void arch_vcpu_was_paused(struct vcpu *vcpu)
{
    (void)vcpu;
}

// --- exits about one instruction ------------------------------------------------------------------------------------

static void emulate_sysreg(struct vcpu *vcpu, const struct exit *exit)
{
    uint64_t esr = vcpu->arch->world.esr;
    if (sysreg_trapped(vcpu, esr))
        vcpu_step_over(vcpu, exit->insn_length);
    else
        guest_exception(vcpu, sysreg_undefined(esr));
}

// Apart from the run loop, so that the loop keeps its registers.
NO_STACKGUARD __attribute__((noinline)) void arch_vcpu_emulate(struct vcpu *vcpu, const struct exit *exit)
{
    switch ((unsigned)exit->kind) {
    case EXIT_MMIO: emulate_mmio(vcpu, exit); return;
    case EXIT_CPU_ID:
    case EXIT_SYSREG_READ:
    case EXIT_SYSREG_WRITE: emulate_sysreg(vcpu, exit); return;
    case EXIT_FIRMWARE: vcpu_step_over(vcpu, exit->insn_length); smccc_call(vcpu); return;
    case EXIT_HYPERCALL: vcpu_hypercall_done(vcpu); smccc_call(vcpu); return;
    case EXIT_IGNORED: vcpu_step_over(vcpu, exit->insn_length); return;
    default: guest_undefined(vcpu); return;
    }
}

// --- what is shown --------------------------------------------------------------------------------------------------

unsigned arch_vcpu_clocks(struct vcpu *vcpu, struct clock_reading *out)
{
    const struct vtime *vt = &vcpu->vm->vtime;
    meter_read(vcpu, vcpu->arch->counts_at_start);
    out[0] = (struct clock_reading){ "CNTVCT", vt->hz, vt->now };
    return 1;
}

void arch_vcpu_record(struct vcpu *vcpu)
{
    const struct world *w = &vcpu->arch->world;
    log_line("record", "pc %016lx  pstate %08lx  esr %08lx  far %016lx", w->pc, w->pstate, w->esr,
             sysreg_read(far_el2));
    for (unsigned i = 0; i < 28; i += 4)
        log_line("record", "x%-2u %016lx  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx", i, w->x[i], i + 1, w->x[i + 1],
                 i + 2, w->x[i + 2], i + 3, w->x[i + 3]);
    log_line("record", "x28 %016lx  x29 %016lx  x30 %016lx  sp0 %016lx  sp1 %016lx", w->x[28], w->x[29], w->x[30],
             sysreg_read(sp_el0), sysreg_read(sp_el1));
    log_line("record", "sctlr %08lx  ttbr0 %016lx  ttbr1 %016lx  tcr %016lx", sysreg_read(sctlr_el1),
             sysreg_read(ttbr0_el1), sysreg_read(ttbr1_el1), sysreg_read(tcr_el1));
    log_line("record", "vbar %016lx  elr %016lx  spsr %08lx  esr_el1 %08lx  far_el1 %016lx", sysreg_read(vbar_el1),
             sysreg_read(elr_el1), sysreg_read(spsr_el1), sysreg_read(esr_el1), sysreg_read(far_el1));
}
