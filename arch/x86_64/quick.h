// SPDX-License-Identifier: MIT
// The short way, the part of it that is the same for both vendors (svm/quick.c, vmx/quick.c): four exits that guests
// make more than all others are answered beside the world switch, and the guest goes on at once: CPUID, the hypercall,
// a plain port access, an EOI to the x2APIC. They are booked like every exit; what is left out is everything that
// cannot be due: nothing is pending, nothing was being delivered, no timer has come. Whenever one of these is in doubt
// the exit takes the long way through vmm/run.c, and with noise=SEED all of them do, so the test of law 9 compares the
// two ways.
//
// A guest that would stay on the short way for ever holds nothing up: the alarm and host interrupts end its slices, and
// those exits are long ones; and every QUICK_ROUNDS exits the run loop looks round, because each has put the alarm off.
#ifndef ARCH_X86_64_QUICK_H
#define ARCH_X86_64_QUICK_H

#include "arch/x86_64/guest/guest.h"
#include "vmm/account.h"

#define MSR_X2APIC_EOI 0x80bu
#define QUICK_ROUNDS   1024u

// How far one exit was taken.
enum quick_step { QUICK_NOT_TAKEN, QUICK_BOOKED, QUICK_TAKEN };

// What has been done about the last exit.
enum quick_answered {
    QUICK_ANSWERED_NOTHING,
    QUICK_ANSWERED_BOOKED, // its slice is booked, and a timer is due before it can be answered
    QUICK_ANSWERED_LAST,   // booked and answered; something else is to be done before the guest goes on
};

// With `kind` a constant, half of each piece falls away.
#define QUICK_INLINE static inline __attribute__((always_inline))

// Books the slice. False: a timer is due at V, before the instruction.
QUICK_INLINE bool quick_book(struct vcpu *vcpu, enum exit_kind kind)
{
    const struct world *world = &vcpu->arch->world;
    struct slice slice = { .t0 = world->t0, .t1 = world->t1, .cost_cycles = switch_costs.total[kind] };
    vcpu_account(vcpu, &slice, kind);
    return !vcpu_timers_due(vcpu);
}

// The four answers, with what each would have cost; false: only booked. The step over the instruction is the vendor's.
QUICK_INLINE bool quick_cpuid(struct vcpu *vcpu, uint64_t *rax)
{
    if (!quick_book(vcpu, EXIT_CPU_ID))
        return false;
    guest_execute_cpuid(vcpu, rax);
    vcpu_emulated_quick(vcpu, EXIT_CPU_ID);
    return true;
}

// By the guest's kernel alone.
QUICK_INLINE bool quick_hypercall(struct vcpu *vcpu, uint64_t *rax)
{
    if (!quick_book(vcpu, EXIT_HYPERCALL))
        return false;
    *rax = guest_kernel_hypercall(vcpu, *rax, vcpu_regs(vcpu)->gpr[GPR_RBX]);
    vcpu_emulated_quick(vcpu, EXIT_HYPERCALL);
    return true;
}

QUICK_INLINE bool quick_port(struct vcpu *vcpu, uint64_t *rax, uint16_t port, uint8_t size, bool is_write)
{
    if (!quick_book(vcpu, EXIT_PORT))
        return false;
    guest_execute_port(vcpu, rax, port, size, is_write);
    vcpu_emulated_quick(vcpu, EXIT_PORT);
    return true;
}

// Is this WRMSR a legal EOI to the x2APIC?
QUICK_INLINE bool quick_is_eoi(struct vcpu *vcpu, uint64_t rax)
{
    const uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    return (uint32_t)gpr[GPR_RCX] == MSR_X2APIC_EOI && lapic_in_x2apic(&vcpu->vm->machine.lapic) &&
           ((uint32_t)gpr[GPR_RDX] | (uint32_t)rax) == 0;
}

QUICK_INLINE bool quick_eoi(struct vcpu *vcpu)
{
    if (!quick_book(vcpu, EXIT_SYSREG_WRITE))
        return false;
    lapic_write_msr(&vcpu->vm->machine.lapic, MSR_X2APIC_EOI, 0, vcpu->vm->vtime.now);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    vcpu_emulated_quick(vcpu, EXIT_SYSREG_WRITE);
    return true;
}

// Where the instruction pointer is after the instruction.
QUICK_INLINE uint64_t quick_next_rip(struct vcpu *vcpu, uint64_t next_rip)
{
    return next_rip >> 32 != 0 && guest_code_bits(vcpu) != 64 ? next_rip & UINT32_MAX : next_rip;
}

// Nothing else is to be done: the guest can go on. Both are mostly so, and `&` makes one test of them.
QUICK_INLINE bool quick_goes_on(const struct vcpu *vcpu)
{
    bool goes_on = machine_quiet(&vcpu->vm->machine) & (vcpu->vm->end == VM_RUNNING);
    return goes_on && !vcpu_timers_due(vcpu) && vcpu->stats.exits % QUICK_ROUNDS != 0;
}

#endif
