// SPDX-License-Identifier: MIT
// The short way (vmm/quick.h), the part of it that is the same for both of x86's vendors (svm/quick.c, vmx/quick.c):
// CPUID, the hypercall, a plain port access, an EOI to the x2APIC. The step over the instruction is the vendor's.
#ifndef ARCH_X86_64_QUICK_H
#define ARCH_X86_64_QUICK_H

#include "arch/x86_64/guest/guest.h"
#include "vmm/hypercall.h"
#include "vmm/quick.h"

#define MSR_X2APIC_EOI 0x80bu

// How far one exit was taken.
enum quick_outcome {
    QUICK_NOT_TAKEN,
    QUICK_BOOKED,  // its slice is booked, and it is to be answered on the long way
    QUICK_LAST,    // booked and answered; something else is to be done before the guest goes on
    QUICK_GOES_ON, // booked and answered, and the next slice is set
};

QUICK_INLINE bool quick_book_exit(struct vcpu *vcpu, enum exit_kind kind)
{
    const struct world *world = &vcpu->arch->world;
    return quick_book(vcpu, kind, (struct slice){ world->t0, world->t1, switch_costs.total[kind] });
}

QUICK_INLINE enum quick_outcome quick_go_on(struct vcpu *vcpu, uint64_t rest_cycles)
{
    vcpu_set_slice(vcpu, rest_cycles);
    return QUICK_GOES_ON;
}

QUICK_INLINE enum quick_outcome quick_go_on_if_any(struct vcpu *vcpu, uint64_t rest_cycles)
{
    return rest_cycles != 0 ? quick_go_on(vcpu, rest_cycles) : QUICK_LAST;
}

QUICK_INLINE enum quick_outcome quick_cpuid(struct vcpu *vcpu, uint64_t *rax)
{
    if (!quick_book_exit(vcpu, EXIT_CPU_ID))
        return QUICK_BOOKED;
    guest_execute_cpuid(vcpu, rax);
    return quick_go_on(vcpu, quick_rest(vcpu, EXIT_CPU_ID));
}

// By the guest's kernel alone.
QUICK_INLINE enum quick_outcome quick_hypercall(struct vcpu *vcpu, uint64_t *rax)
{
    uint32_t call = (uint32_t)*rax - HYPERCALL_ORACLE;
    if (!quick_book_exit(vcpu, EXIT_HYPERCALL) ||
        !hypercall_oracle(vcpu, call, vcpu_regs(vcpu)->gpr[GPR_RBX], rax))
        return QUICK_BOOKED;
    return quick_go_on(vcpu, quick_rest(vcpu, EXIT_HYPERCALL));
}

QUICK_INLINE enum quick_outcome quick_port(struct vcpu *vcpu, uint64_t *rax, uint16_t port, uint8_t size, bool is_write)
{
    if (!quick_book_exit(vcpu, EXIT_PORT))
        return QUICK_BOOKED;
    guest_execute_port(vcpu, rax, port, size, is_write);
    return quick_go_on_if_any(vcpu, quick_rest_if_any(vcpu, EXIT_PORT));
}

// Is this WRMSR a legal EOI to the x2APIC?
QUICK_INLINE bool quick_is_eoi(struct vcpu *vcpu, uint64_t rax)
{
    const uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    return (uint32_t)gpr[GPR_RCX] == MSR_X2APIC_EOI && lapic_in_x2apic(&vcpu->vm->machine.lapic) &&
           ((uint32_t)gpr[GPR_RDX] | (uint32_t)rax) == 0;
}

QUICK_INLINE enum quick_outcome quick_eoi(struct vcpu *vcpu)
{
    if (!quick_book_exit(vcpu, EXIT_SYSREG_WRITE))
        return QUICK_BOOKED;
    lapic_write_msr(&vcpu->vm->machine.lapic, MSR_X2APIC_EOI, 0, vcpu->vm->vtime.now);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    return quick_go_on_if_any(vcpu, quick_rest_if_any(vcpu, EXIT_SYSREG_WRITE));
}

// Where the instruction pointer is after the instruction.
QUICK_INLINE uint64_t quick_next_rip(struct vcpu *vcpu, uint64_t next_rip)
{
    return next_rip >> 32 != 0 && guest_code_bits(vcpu) != 64 ? next_rip & UINT32_MAX : next_rip;
}

#endif
