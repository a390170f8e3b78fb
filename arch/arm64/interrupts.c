// SPDX-License-Identifier: MIT
// Host interrupts, taken by asking the GIC for them while they are masked, and what ties the guest's virtual timer to
// the interrupt of the hardware that stands for it.
//
// The virtual timer's interrupt is dropped in priority but stays active in the host's GIC, so that it cannot come again
// while the guest works on it: the guest's own deactivation, by way of the list register, deactivates it (GIC
// architecture, IHI 0069, 4.8: the HW bit). It is a level. What the monitor holds of it follows the timer's registers
// each time the list registers are folded.
#include "arch/arm64/host/board.h"
#include "arch/arm64/host/gic.h"
#include "arch/arm64/host/timer.h"
#include "arch/arm64/vcpu.h"
#include "vmm/base/percpu.h"

#define INTID_SPECIAL    1020u // from here on: no interrupt

static bool timer_line(struct vcpu *vcpu)
{
    const struct arch_vcpu *arch = vcpu->arch;
    uint32_t ctl = arch->timer_queued ? arch->timer_ctl : (uint32_t)sysreg_read(cntv_ctl_el0);
    return machine_timer_line(vcpu->vm, ctl, sysreg_read(cntv_cval_el0));
}

// Mostly the guest is done with the tick before and has no other interrupt: then nothing has to be folded.
static void take_timer(struct vcpu *vcpu)
{
    bool again = lr_ended_alone(vcpu, INTID_VIRTUAL_TIMER);
    if (vcpu->halted || (lr_in_use(vcpu) && !again) || !timer_line(vcpu)) {
        vcpu_fold(vcpu);
        return;
    }
    if (again)
        lr_again(vcpu);
    else
        lr_fill(vcpu);
    vcpu->stats.injections++;
    machine_interrupts_listed(vcpu->vm);
}

static void take(struct vcpu *vcpu, unsigned intid)
{
    const struct board *at = board();
    hostgic_drop(intid);
    if (intid == at->timer_virtual_intid && vcpu != NULL) {
        take_timer(vcpu); // it stays active for as long as the guest's own is
        return;
    }
    if (intid == at->timer_el2_intid)
        this_cpu()->shared.alarms++;
    else if (intid == at->maintenance_intid && vcpu != NULL)
        vcpu_fold(vcpu);
    else
        this_cpu()->shared.unexpected++;
    hostgic_deactivate(intid);
}

// One of them: if there is another, the next slice ends before it begins. The alarm is stopped first. It runs on while
// the monitor works, and one that goes off there ends the next slice before its first instruction.
void arch_take_interrupts(struct vcpu *vcpu)
{
    hosttimer_stop();
    unsigned intid = hostgic_acknowledge();
    if (intid < INTID_SPECIAL)
        take(vcpu, intid);
}

// An interrupt that is masked wakes the CPU all the same (Arm ARM D1.6.2); it stays pending until it is asked for.
void arch_idle(struct vcpu *vcpu, htime_t until)
{
    hosttimer_arm(until);
    arm64_wfi();
    arch_take_interrupts(vcpu);
}

// While the monitor works the guest's counter runs on in the hardware, so the timer's interrupt can come before V has
// reached it: then there is nothing for the guest in it, and it comes again when it is due.
void vcpu_fold(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    lr_fold(vcpu);
    if (!timer_line(vcpu) && !vgic_is_live(&vm->machine.gic, vcpu->index, INTID_VIRTUAL_TIMER))
        hostgic_deactivate(board()->timer_virtual_intid);
}

// The counter that the guest's timer compares runs on in the hardware, whatever V does: it is switched off there until
// the guest goes on.
void arch_vcpu_halt(struct vcpu *vcpu, unsigned length)
{
    struct vm *vm = vcpu->vm;
    vcpu_step_over(vcpu, length);
    vcpu_fold(vcpu);
    if (lr_would_signal(vcpu))
        return; // the guest goes on at once
    vcpu->halted = true;
    vcpu->arch->timer_queued = true;
    vcpu->arch->entry_plain = false;
    vcpu->arch->timer_ctl = (uint32_t)sysreg_read(cntv_ctl_el0);
    sysreg_write(cntv_ctl_el0, 0);
    machine_timer_halted(vm, vcpu->arch->timer_ctl, sysreg_read(cntv_cval_el0));
}

void vcpu_take_timer_back(struct vcpu *vcpu)
{
    vcpu->arch->timer_queued = false;
    sysreg_write(cntv_ctl_el0, vcpu->arch->timer_ctl & (CNT_ENABLE | CNT_IMASK));
    machine_timer_running(vcpu->vm);
}
