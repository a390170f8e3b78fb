// SPDX-License-Identifier: MIT
// The short way: the exits that a guest makes most often, a hypercall and a read of the interrupt controller's
// settings, are answered in the middle of the world switch, and the guest goes on at once. They are booked like every
// exit; what is left out is everything that cannot be due: what is answered here changes nothing, nothing is pending,
// no timer has come. Whenever one of these is in doubt the exit takes the long way through vmm/run.c, and with
// noise=SEED all of them do, so the test of law 9 compares the two ways.
//
// A guest that would stay here for ever holds nothing up: the alarm and host interrupts end its slices, and those exits
// are long ones; and every QUICK_ROUNDS exits the run loop looks round, because each has put the alarm off.
#include "arch/arm64/quick.h"

#include "arch/arm64/insn/aarch32.h"
#include "arch/arm64/guest/smccc.h"
#include "arch/arm64/guest/guest.h"
#include "vmm/account.h"
#include "vmm/base/stackguard.h"

#define QUICK_ROUNDS 1024u

// May the next slices' hypercalls be answered here?
bool quick_allowed(const struct vcpu *vcpu)
{
    return vcpu->quick && machine_quiet(&vcpu->vm->machine);
}

#define QUICK_INLINE static inline __attribute__((always_inline))

// Books the slice. False: a timer is due at V, before the instruction.
QUICK_INLINE bool book(struct world *world, struct vcpu *vcpu, enum exit_kind kind)
{
    struct slice slice = { .t0 = world->t0, .t1 = world->t1 };
    slice.cost_cycles = switch_cost(vcpu, kind, slice.t1 - slice.t0);
    vcpu_account(vcpu, &slice, kind);
    if (!vcpu_timers_due(vcpu))
        return true;
    world->booked = true;
    return false;
}

QUICK_INLINE struct world *go_on(struct world *world, struct vcpu *vcpu, enum exit_kind kind)
{
    vcpu_emulated_quick(vcpu, kind);
    vcpu_set_slice(vcpu, vcpu_cycles_to_next(vcpu));
    return world;
}

__attribute__((flatten, used)) struct world *quick_hypercall(struct world *world)
{
    struct vcpu *vcpu = world->quick;
    if (vcpu->stats.exits % QUICK_ROUNDS == 0 || (sysreg_read(spsr_el2) & PSTATE_BTYPE) != 0)
        return NULL;
    if (!book(world, vcpu, EXIT_HYPERCALL))
        return NULL;
    if (smccc_plain_call(vcpu, world->x))
        return go_on(world, vcpu, EXIT_HYPERCALL);
    world->booked = true;
    return NULL;
}

// A load of one register, by a guest that is little-endian like the devices, not in the middle of a step, and not the
// target of a branch that it has to end. X19 to X29 are still in the CPU.
QUICK_INLINE bool is_plain_load(const struct world *world, uint64_t pstate)
{
    const uint64_t looked_at = ISS_ISV | ISS_SSE | ISS_EA | ISS_CM | ISS_S1PTW | ISS_WNR | FAULT_KIND | ESR_IL;
    unsigned reg = (unsigned)(world->esr >> ISS_SRT_SHIFT) & 31;
    return (reg < 19 || reg > 29) && (world->esr & looked_at) == (ISS_ISV | FAULT_TRANSLATION | ESR_IL) &&
           (pstate & (PSTATE_SS | PSTATE_AARCH32 | PSTATE_BTYPE)) == 0 &&
           !guest_is_big_endian(pstate, sysreg_read(sctlr_el1));
}

NO_STACKGUARD __attribute__((flatten, used)) struct world *quick_access(struct world *world)
{
    struct vcpu *vcpu = world->quick;
    gpa address = fault_gpa(FAULT_TRANSLATION);
    if (!machine_has_settings(address))
        return NULL;
    uint64_t esr = world->esr;
    unsigned reg = (unsigned)(esr >> ISS_SRT_SHIFT) & 31;
    struct io_access io = { .size = (uint8_t)(1u << ((esr >> ISS_SAS_SHIFT) & 3)) };
    if (vcpu->stats.exits % QUICK_ROUNDS == 0 || !is_plain_load(world, sysreg_read(spsr_el2)) ||
        !machine_read_settings(vcpu->vm, address, &io))
        return NULL;
    if (!book(world, vcpu, EXIT_MMIO))
        return NULL;
    if (reg != ZERO_REGISTER)
        world->x[reg] = io.value & UINT64_MAX >> (64 - 8 * io.size);
    sysreg_write(elr_el2, sysreg_read(elr_el2) + INSN_LENGTH);
    return go_on(world, vcpu, EXIT_MMIO);
}
