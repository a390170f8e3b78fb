// SPDX-License-Identifier: MIT
// Events on their way into the guest: before each entry, the highest pending one is injected if the guest can take it
// at this very boundary; otherwise the hardware is asked to stop the guest at the first boundary where it can.
#include "vmm/event.h"

#include "arch/arch.h"

static void deliver_nmi(struct vcpu *vcpu)
{
    if (!arch_vcpu_can_take(vcpu, ARCH_NMI) || !machine_take_nmi(vcpu->vm))
        return;
    arch_vcpu_inject(vcpu, ARCH_NMI, 0);
    vcpu->halted = false;
}

void events_deliver(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    vcpu->quick_now = vcpu->quick;
    if (machine_quiet(&vm->machine)) { // mostly
        arch_vcpu_want_window(vcpu, false);
        return;
    }
    vcpu->quick_now = false;
    deliver_nmi(vcpu);
    if (!machine_interrupt_pending(vm)) {
        arch_vcpu_want_window(vcpu, false);
        return;
    }
    if (!arch_vcpu_can_take(vcpu, ARCH_INTERRUPT)) {
        arch_vcpu_want_window(vcpu, true);
        return;
    }
    arch_vcpu_want_window(vcpu, false);
    arch_vcpu_inject(vcpu, ARCH_INTERRUPT, machine_acknowledge(vm));
    vcpu->halted = false;
    vcpu->stats.injections++;
    if (machine_interrupt_pending(vm)) // one that this one does not hold back
        arch_vcpu_want_window(vcpu, true);
}
