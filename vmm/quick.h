// SPDX-License-Identifier: MIT
// The short way: the exits that guests make most are answered beside the world switch, and the guest goes on at once,
// without the trip through vmm/run.c. What such an exit has to do, and when it must not be taken, stands here once;
// which exits they are and how they are answered is the backends' (svm/quick.c, vmx/quick.c, arch/arm64/quick.c).
//
// Such an exit is booked like every one: ledger, V, trace, cost by kind. What is left out is everything that cannot be
// due: nothing is pending, nothing was being delivered, V has not come to where the run loop is to look, and with that
// to no timer's deadline. Whenever one of these is not certain the exit takes the long way. All exits of a vCPU take
// the long way
//   - where it is run with care: delivery=exact, alarm_error= or noise=SEED (vmm/delivery.c); so the test of law 9
//     compares the two ways;
//   - under clock=guest+emu, because the short way adds no E to V;
//   - while a guest that seems to wait by counting accesses is watched (vmm/polling.c);
//   - on arm64 while the guest's PMU is on (arch/arm64/vcpu.c).
// So do, on x86, those between an entry with an event under way (struct arch_vcpu) and the next round of the run loop.
//
// A guest that would stay here for ever holds nothing up: the run loop plans until when the guest runs, and the slices
// between exits that are answered here do not put that off; and every QUICK_ROUNDS exits it looks round, because under
// clock=guest such a guest may have hardly any time of its own.
#ifndef VMM_QUICK_H
#define VMM_QUICK_H

#include "vmm/account.h"

#define QUICK_ROUNDS 1024u

// With `kind` a constant, half of each piece falls away.
#define QUICK_INLINE static inline __attribute__((always_inline))

// Is it one of the exits that go the long way for a look round?
QUICK_INLINE bool quick_is_over(const struct vcpu *vcpu)
{
    return vcpu->stats.exits % QUICK_ROUNDS == 0;
}

// Books the slice that an exit of this kind has ended. False: V has come to run_until, before the instruction.
QUICK_INLINE bool quick_book(struct vcpu *vcpu, enum exit_kind kind, struct slice slice)
{
    vcpu_account(vcpu, &slice, kind);
    return vcpu->run_until > vcpu->vm->vtime.now;
}

// The exit is answered, and nothing that could be due has changed: how long the guest can go on.
QUICK_INLINE uint64_t quick_rest(struct vcpu *vcpu, enum exit_kind kind)
{
    vcpu_emulated_quick(vcpu, kind);
    return vcpu->run_until - vcpu->vm->vtime.now;
}

// The same after an answer that may have moved deadlines, raised interrupts or ended the VM. 0: the run loop is to look
// at it; one of them may be due at once.
QUICK_INLINE uint64_t quick_rest_if_any(struct vcpu *vcpu, enum exit_kind kind)
{
    struct vm *vm = vcpu->vm;
    vtime_t next = timerq_next(&vm->machine.timers);
    vcpu_emulated_quick(vcpu, kind);
    // Mostly all three: `&` makes one test of them.
    if (machine_quiet(&vm->machine) & (vm->end == VM_RUNNING) & (next >= vcpu->run_until))
        return vcpu->run_until - vm->vtime.now;
    if (next < vcpu->run_until)
        vcpu->run_until = next;
    return 0;
}

#endif
