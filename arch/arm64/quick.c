// SPDX-License-Identifier: MIT
// The short way (vmm/quick.h) on arm64: calls that only ask, by HVC or SMC, and reads of the interrupt controller's
// settings, of the physical counter and of ID registers are answered in the middle of the world switch.
#include "arch/arm64/quick.h"

#include "arch/arm64/insn/aarch32.h"
#include "arch/arm64/guest/smccc.h"
#include "arch/arm64/guest/guest.h"
#include "arch/arm64/guest/sysreg.h"
#include "vmm/base/stackguard.h"
#include "vmm/quick.h"

// Books the slice. False: the exit is to be answered on the long way.
QUICK_INLINE bool book(struct world *world, struct vcpu *vcpu, enum exit_kind kind)
{
    uint64_t cost_cycles = switch_cost(vcpu, kind, world->t1 - world->t0);
    world->booked = true; // looked at on the long way alone
    return quick_book(vcpu, kind, (struct slice){ world->t0, world->t1, cost_cycles });
}

QUICK_INLINE struct world *go_on(struct world *world, struct vcpu *vcpu, enum exit_kind kind)
{
    vcpu_set_slice(vcpu, quick_rest(vcpu, kind));
    world->booked = false;
    return world;
}

__attribute__((flatten, used)) struct world *quick_hypercall(struct world *world)
{
    struct vcpu *vcpu = world->quick;
    if (quick_is_over(vcpu) || (sysreg_read(spsr_el2) & PSTATE_BTYPE) != 0)
        return NULL;
    if (!book(world, vcpu, EXIT_HYPERCALL) || !smccc_plain_call(vcpu, world->x))
        return NULL;
    return go_on(world, vcpu, EXIT_HYPERCALL);
}

// X19 to X29 are still in the CPU.
QUICK_INLINE bool is_saved(unsigned reg)
{
    return reg < 19 || reg > 29;
}

// The instruction is over.
QUICK_INLINE struct world *stepped(struct world *world, struct vcpu *vcpu, enum exit_kind kind)
{
    sysreg_write(elr_el2, sysreg_read(elr_el2) + INSN_LENGTH);
    return go_on(world, vcpu, kind);
}

// ... with this value for its register.
QUICK_INLINE struct world *loaded(struct world *world, struct vcpu *vcpu, enum exit_kind kind, unsigned reg,
                                  uint64_t value)
{
    if (reg != ZERO_REGISTER)
        world->x[reg] = value;
    return stepped(world, vcpu, kind);
}

// An SMC traps before it is executed.
__attribute__((flatten, used)) struct world *quick_firmware(struct world *world)
{
    struct vcpu *vcpu = world->quick;
    if (quick_is_over(vcpu) || (sysreg_read(spsr_el2) & (PSTATE_SS | PSTATE_BTYPE)) != 0)
        return NULL;
    if (!book(world, vcpu, EXIT_FIRMWARE) || !smccc_plain_call(vcpu, world->x))
        return NULL;
    return stepped(world, vcpu, EXIT_FIRMWARE);
}

// A load of one register, by a guest that is little-endian like the devices, not in the middle of a step, and not the
// target of a branch that it has to end.
QUICK_INLINE bool is_plain_load(const struct world *world, uint64_t pstate)
{
    const uint64_t looked_at = ISS_ISV | ISS_SSE | ISS_EA | ISS_CM | ISS_S1PTW | ISS_WNR | FAULT_KIND | ESR_IL;
    unsigned reg = (unsigned)(world->esr >> ISS_SRT_SHIFT) & 31;
    return is_saved(reg) && (world->esr & looked_at) == (ISS_ISV | FAULT_TRANSLATION | ESR_IL) &&
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
    if (quick_is_over(vcpu) || !is_plain_load(world, sysreg_read(spsr_el2)) ||
        !machine_read_settings(vcpu->vm, address, &io))
        return NULL;
    if (!book(world, vcpu, EXIT_MMIO))
        return NULL;
    return loaded(world, vcpu, EXIT_MMIO, reg, io.value & UINT64_MAX >> (64 - 8 * io.size));
}

__attribute__((flatten, used)) struct world *quick_sysreg(struct world *world)
{
    struct vcpu *vcpu = world->quick;
    uint32_t iss = (uint32_t)world->esr, encoding = sysreg_of_iss(iss);
    unsigned reg = SYSREG_ISS_RT(iss);
    bool is_counter = encoding == SYSREG_CNTPCT;
    enum exit_kind kind = is_counter ? EXIT_SYSREG_READ : EXIT_CPU_ID;
    if (quick_is_over(vcpu) || !is_saved(reg) || !(is_counter || sysreg_is_id(encoding)) ||
        (sysreg_read(spsr_el2) & (PSTATE_SS | PSTATE_BTYPE)) != 0)
        return NULL;
    if (!book(world, vcpu, kind))
        return NULL;
    const struct vm *vm = vcpu->vm;
    return loaded(world, vcpu, kind, reg,
                  is_counter ? machine_counter_at(&vm->machine, vm->vtime.now) : sysreg_id(encoding));
}
