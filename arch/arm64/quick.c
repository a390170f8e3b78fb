// SPDX-License-Identifier: MIT
// The short way: a hypercall, the exit that a guest can make most often, is answered beside the world switch, and the
// guest goes on at once. It is booked like every exit; what is left out is everything that cannot be due: nothing is
// pending, no timer has come. Whenever one of these is in doubt the exit takes the long way through vmm/run.c, and with
// noise=SEED all of them do, so the test of law 9 compares the two ways.
//
// A guest that would stay here for ever holds nothing up: the alarm and host interrupts end its slices, and those exits
// are long ones; and every QUICK_ROUNDS exits the run loop looks round, because each has put the alarm off.
#include "arch/arm64/smccc.h"
#include "arch/arm64/vcpu.h"
#include "vmm/account.h"

#define QUICK_ROUNDS 1024u

// Books the slice. False: a timer is due at V, before the instruction.
static bool book(struct vcpu *vcpu)
{
    const struct world *world = &vcpu->arch->world;
    struct slice slice = { .t0 = world->t0, .t1 = world->t1, .cost_cycles = switch_costs.total[EXIT_HYPERCALL] };
    vcpu_account(vcpu, &slice, EXIT_HYPERCALL);
    return !vcpu_timers_due(vcpu);
}

// Nothing else is to be done: the guest can go on.
static bool goes_on(const struct vcpu *vcpu)
{
    return machine_quiet(&vcpu->vm->machine) && vcpu->vm->end == VM_RUNNING && !vcpu->halted &&
           !vcpu_timers_due(vcpu) && vcpu->stats.exits % QUICK_ROUNDS != 0;
}

__attribute__((flatten)) enum quick_answered quick_answer(struct vcpu *vcpu)
{
    struct world *world = &vcpu->arch->world;
    for (;;) {
        if (world->vector != WORLD_SYNC || ESR_CLASS(world->esr) != EC_HVC64)
            return QUICK_ANSWERED_NOTHING;
        if (!book(vcpu))
            return QUICK_ANSWERED_BOOKED;
        smccc_call(vcpu);
        vcpu_emulated(vcpu);
        if (!goes_on(vcpu))
            return QUICK_ANSWERED_LAST;
        vcpu_set_slice(vcpu, vcpu_cycles_to_next(vcpu));
        world_switch(world);
    }
}
