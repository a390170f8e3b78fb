// SPDX-License-Identifier: MIT
// Why the guest left: the vector and the class of the syndrome (Arm ARM D17.2.37, ESR_EL2.EC) into struct exit.
#include "arch/arm64/guest/guest.h"
#include "vmm/base/log.h"
#include "vmm/base/percpu.h"

#define SERRORS_SAID   8u // in the log

#define WFX_IS_WFE     1u
#define WFX_WITH_LIMIT 2u // WFIT, WFET

#define SYSREG_READ    UINT64_C(1)
// op0 = 3, op1 = 0, CRn = 0: where the ID registers are.
#define SYSREG_ID_MASK (UINT64_C(3) << 20 | UINT64_C(7) << 14 | UINT64_C(15) << 10)
#define SYSREG_ID      (UINT64_C(3) << 20)

static const uint8_t kind_of_class[64] = { // enum exit_kind; 0: the table does not know it
    [EC_WFX] = EXIT_HALT,
    [EC_HVC64] = EXIT_HYPERCALL,
    [EC_SMC64] = EXIT_FIRMWARE,
    [EC_SYSREG] = EXIT_SYSREG_READ,
    [EC_CP15_32] = EXIT_SYSREG_READ,
    [EC_CP15_64] = EXIT_SYSREG_READ,
    [EC_INST_ABORT_LOW] = EXIT_MMIO,
    [EC_DATA_ABORT_LOW] = EXIT_MMIO,
    // What is switched off for the guest, or reached from its AArch32 applications: undefined.
    [EC_UNKNOWN] = EXIT_FAULT,
    [EC_CP14_32] = EXIT_FAULT,
    [EC_CP14_LS] = EXIT_FAULT,
    [EC_CP14_64] = EXIT_FAULT,
    [EC_FP] = EXIT_FAULT,
    [EC_VMRS] = EXIT_FAULT,
    [EC_PAUTH] = EXIT_FAULT,
    [EC_SVE] = EXIT_FAULT,
    [EC_ERET] = EXIT_FAULT,
    [EC_LS64] = EXIT_FAULT,
    [EC_SYSREG128] = EXIT_FAULT,
    [EC_SME] = EXIT_FAULT,
};
_Static_assert(EXIT_INTERRUPT == 0, "0 in the table is no kind of a synchronous exit");

static void decode_sysreg(uint64_t esr, struct exit *exit)
{
    exit->is_write = (esr & SYSREG_READ) == 0;
    exit->insn_length = INSN_LENGTH;
    if (ESR_CLASS(esr) == EC_SYSREG && (esr & SYSREG_ID_MASK) == SYSREG_ID)
        exit->kind = EXIT_CPU_ID;
    else if (exit->is_write)
        exit->kind = EXIT_SYSREG_WRITE;
}

static void decode_abort(uint64_t esr, struct exit *exit)
{
    exit->address = fault_gpa(esr);
    exit->is_table_walk = (esr & ISS_S1PTW) != 0;
    exit->is_fetch = ESR_CLASS(esr) == EC_INST_ABORT_LOW;
    exit->is_write = !exit->is_fetch && (esr & ISS_WNR) != 0;
}

// With a time limit it may end at any time, so it ends at once; and so it does where its condition fails.
static void decode_wfx(uint64_t esr, uint64_t pstate, struct exit *exit)
{
    exit->insn_length = ESR_INSN_LENGTH(esr);
    if ((esr & (WFX_IS_WFE | WFX_WITH_LIMIT)) != 0 ||
        ((pstate & PSTATE_AARCH32) != 0 && !aarch32_condition_holds(esr, pstate)))
        exit->kind = EXIT_IGNORED;
}

static void decode_sync(uint64_t esr, uint64_t pstate, struct exit *exit)
{
    unsigned class = ESR_CLASS(esr);
    exit->kind = kind_of_class[class] != 0 ? (enum exit_kind)kind_of_class[class] : EXIT_UNKNOWN;
    exit->hardware_reason = class;
    exit->info = esr;
    switch (class) {
    case EC_WFX: decode_wfx(esr, pstate, exit); break;
    case EC_SMC64: exit->insn_length = INSN_LENGTH; break; // trapped in front of it; an HVC is already over
    case EC_CP15_32:
    case EC_CP15_64:
    case EC_SYSREG: decode_sysreg(esr, exit); break;
    case EC_INST_ABORT_LOW:
    case EC_DATA_ABORT_LOW: decode_abort(esr, exit); break;
    }
}

// An SError is masked at EL2 and not precise. One that ends a slice before its first instruction has been there before
// it, and may well be the monitor's own, of a device of the host: the VM goes on. One that comes while the guest runs
// is the guest's.
static __attribute__((noinline, cold)) void decode_serror(struct vcpu *vcpu, struct exit *exit)
{
    const struct world *world = &vcpu->arch->world;
    exit->info = world->esr;
    if (world->t1 - world->t0 > switch_costs.total[EXIT_INTERRUPT]) {
        exit->kind = EXIT_UNKNOWN;
        return;
    }
    exit->kind = EXIT_NMI;
    if (this_cpu()->shared.unexpected++ < SERRORS_SAID)
        log_line("host", "an SError before the guest was entered, syndrome %#lx: not the guest's", world->esr);
}

void decode_exit(struct vcpu *vcpu, struct exit *exit)
{
    const struct world *world = &vcpu->arch->world;
    *exit = (struct exit){ .kind = EXIT_INTERRUPT, .hardware_reason = (uint32_t)world->vector };
    switch ((enum world_vector)world->vector) {
    case WORLD_IRQ:
    case WORLD_FIQ: break;
    case WORLD_SYNC: decode_sync(world->esr, world->pstate, exit); break;
    case WORLD_SERROR: decode_serror(vcpu, exit); break;
    }
}
