// SPDX-License-Identifier: MIT
// The short way: a hypercall, the exit that a guest can make most often, is answered in the middle of the world switch,
// and the guest goes on at once. It is booked like every exit; what is left out is everything that cannot be due: the
// calls that are answered here touch no device, nothing is pending, no timer has come. Whenever one of these is in
// doubt the exit takes the long way through vmm/run.c, and with noise=SEED all of them do, so the test of law 9
// compares the two ways.
//
// A guest that would stay here for ever holds nothing up: the alarm and host interrupts end its slices, and those exits
// are long ones; and every QUICK_ROUNDS exits the run loop looks round, because each has put the alarm off.
#include "arch/arm64/quick.h"

#include "arch/arm64/smccc.h"
#include "arch/arm64/vcpu.h"
#include "vmm/account.h"

#define QUICK_ROUNDS 1024u

// May the next slices' hypercalls be answered here?
bool quick_allowed(const struct vcpu *vcpu)
{
    const struct vm *vm = vcpu->vm;
    return vcpu->quick && machine_quiet(&vm->machine) && vm->vtime.clock != CLOCK_GUEST_EMU;
}

// Called by world.S alone.
__attribute__((flatten, used)) enum quick_step quick_hypercall(struct world *world)
{
    struct vcpu *vcpu = world->quick;
    struct slice slice = { .t0 = world->t0, .t1 = world->t1 };
    slice.cost_cycles = switch_cost(EXIT_HYPERCALL, slice.t1 - slice.t0);
    if (vcpu->stats.exits % QUICK_ROUNDS == 0)
        return QUICK_NOT_TAKEN;
    vcpu_account(vcpu, &slice, EXIT_HYPERCALL);
    if (vcpu_timers_due(vcpu) || !smccc_plain_call(vcpu, world->x)) {
        world->booked = true;
        return QUICK_BOOKED;
    }
    vcpu_emulated(vcpu);
    vcpu_set_slice(vcpu, vcpu_cycles_to_next(vcpu));
    return QUICK_TAKEN;
}
