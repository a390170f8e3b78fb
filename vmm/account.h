// SPDX-License-Identifier: MIT
// Booking one slice of a guest: what its exit's handling cost, the ledger, V, the trace. Inline, because every exit
// pays for it, in the run loop and where a backend answers an exit by itself.
#ifndef VMM_ACCOUNT_H
#define VMM_ACCOUNT_H

#include "arch/arch.h"
#include "vmm/vm.h"

#define EARLY_ALARMS_MAX 32u

static inline void vcpu_account(struct vcpu *vcpu, const struct slice *slice, enum exit_kind kind)
{
    struct vm *vm = vcpu->vm;
    HOT_INVARIANT(slice->t0 >= vcpu->last_t1); // in order, and no slice twice
    histogram_add(vcpu->paid_by, slice->t0 - vcpu->last_t1);
    uint64_t guest_cycles = ledger_slice(&vcpu->ledger, slice->t0, slice->t1, slice->cost_cycles);
    vtime_ran(&vm->vtime, guest_cycles, 0, slice->t1);
    vm_trace(vm, TRACE_GUEST, kind, slice->t0, guest_cycles, slice->t1 - slice->t0);
    vcpu->stats.exits++;
    if (kind > EXIT_ALARM || guest_cycles != 0) // the alarm is that or EXIT_INTERRUPT
        vcpu->early_alarms = 0;
    else if (vcpu->early_alarms < EARLY_ALARMS_MAX)
        vcpu->early_alarms++;
    vcpu->paid_by = &vcpu->stats.cost[kind];
    vcpu->last_t1 = slice->t1;
}

// Time since the last exit that went to another account than the monitor's: no part of what that exit cost.
static inline void vcpu_not_monitor(struct vcpu *vcpu, uint64_t cycles)
{
    vcpu->last_t1 += cycles;
}

// The host has worked since `start`, for which the ledger was turned to it; now it is turned to `next`. A pause is not
// the monitor's time to begin with.
static inline void vcpu_host_worked(struct vcpu *vcpu, enum account next, htime_t start, htime_t end)
{
    ledger_turn(&vcpu->ledger, next, end);
    if (next == ACCOUNT_MONITOR)
        vcpu_not_monitor(vcpu, end - start);
    vm_trace(vcpu->vm, TRACE_HOST, 0, start, end - start, 0);
}

// E: what the instruction that exited, and that the monitor has executed for the guest, would have cost on a real
// machine (time/emucost.h). Booked always; the short way, which is closed under clock=guest+emu, does no more.
static inline void vcpu_emulated_quick(struct vcpu *vcpu, enum exit_kind kind)
{
    vcpu->ledger.emulated += vcpu->vm->emulated_cycles[kind];
}

// ... and added to V by clock=guest+emu.
static inline void vcpu_emulated(struct vcpu *vcpu, enum exit_kind kind)
{
    vcpu_emulated_quick(vcpu, kind);
    vtime_emulated(&vcpu->vm->vtime, vcpu->vm->emulated_cycles[kind]);
}

#endif
