// SPDX-License-Identifier: MIT
// Exceptions that the monitor gives to a guest: what the CPU itself does when it takes one to EL1 (Arm ARM D1.10.4,
// the pseudocode AArch64.TakeException), with the guest's own registers.
#include "arch/arm64/guest/guest.h"

#define SCTLR_SPAN  (UINT64_C(1) << 23)
#define SCTLR_DSSBS (UINT64_C(1) << 44)

#define VECTOR_FROM_EL1T UINT64_C(0x000)
#define VECTOR_FROM_EL1H UINT64_C(0x200)
#define VECTOR_FROM_EL0  UINT64_C(0x400)
#define VECTOR_FROM_A32  UINT64_C(0x600)

#define FAULT_EXTERNAL         0x10u // DFSC, IFSC: synchronous external abort
#define FAULT_EXTERNAL_ON_WALK 0x14u // ... on a walk, level 0; the level is the low two bits

static uint64_t vector_offset(uint64_t pstate)
{
    if ((pstate & PSTATE_AARCH32) != 0)
        return VECTOR_FROM_A32;
    switch (pstate & PSTATE_MODE) {
    case PSTATE_EL0: return VECTOR_FROM_EL0;
    case PSTATE_EL1T: return VECTOR_FROM_EL1T;
    default: return VECTOR_FROM_EL1H;
    }
}

// PAN as SCTLR_EL1.SPAN says, on CPUs that have it; SPAN and DSSBS are RES1 and RES0 on the others, which is right too.
// An SPSR has what is kept in the same places after AArch32.
static uint64_t pstate_at_el1(uint64_t old)
{
    uint64_t sctlr = sysreg_read(sctlr_el1);
    uint64_t new = (old & (PSTATE_N_TO_V | PSTATE_DIT | PSTATE_PAN)) | PSTATE_DAIF | PSTATE_EL1H;
    if ((sctlr & SCTLR_SPAN) == 0)
        new |= PSTATE_PAN;
    return new | ((sctlr & SCTLR_DSSBS) != 0 ? PSTATE_SSBS : 0);
}

void guest_exception(struct vcpu *vcpu, uint64_t esr)
{
    struct world *world = &vcpu->arch->world;
    uint64_t old = world->pstate;
    sysreg_write(spsr_el1, old);
    sysreg_write(elr_el1, world->pc);
    sysreg_write(esr_el1, esr);
    world->pc = sysreg_read(vbar_el1) + vector_offset(old);
    world->pstate = pstate_at_el1(old);
    vcpu->halted = false;
}

void guest_undefined(struct vcpu *vcpu)
{
    guest_exception(vcpu, (uint64_t)EC_UNKNOWN << ESR_EC_SHIFT | ESR_IL);
}

// The class of an abort is that of EL1 or of the level below.
static void guest_abort(struct vcpu *vcpu, bool is_fetch, uint64_t fault, uint64_t fault_address)
{
    uint64_t mode = vcpu->arch->world.pstate;
    bool same = (mode & PSTATE_AARCH32) == 0 && (mode & PSTATE_MODE) != PSTATE_EL0;
    unsigned class = is_fetch ? (same ? EC_INST_ABORT : EC_INST_ABORT_LOW)
                              : (same ? EC_DATA_ABORT : EC_DATA_ABORT_LOW);
    if (!is_fetch)
        fault |= vcpu->arch->world.esr & (ISS_WNR | ISS_CM);
    sysreg_write(far_el1, fault_address);
    guest_exception(vcpu, (uint64_t)class << ESR_EC_SHIFT | ESR_IL | fault);
}

void guest_external_abort(struct vcpu *vcpu, bool is_fetch, bool is_table_walk, uint64_t fault_address)
{
    guest_abort(vcpu, is_fetch, is_table_walk ? FAULT_EXTERNAL_ON_WALK | 3 : FAULT_EXTERNAL, fault_address);
}

void guest_data_abort(struct vcpu *vcpu, unsigned fault, uint64_t fault_address)
{
    guest_abort(vcpu, false, fault, fault_address);
}
