// SPDX-License-Identifier: MIT
// The barriers of this processor. Branches that a guest has trained could lead the monitor's astray, so they are
// dropped when the guest leaves (vectors.S), and before another VM begins. At an entry there is nothing to do: EL2 has
// translations of its own, so a guest cannot even name what is the monitor's.
#include "arch/arm64/barrier.h"

#include "arch/arch.h"
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/barrier_plan.h"
#include "arch/arm64/host/board.h"
#include "vmm/base/log.h"

#define PSCI_1_0      0x10000
#define NOT_SUPPORTED (-1)

extern const char exception_vectors_guarded[]; // vectors.S
uint32_t          barrier_call;                // what they ask of firmware; 0: nothing
static bool       guarded;

// A fast call (DEN0028): before version 1.1 the callee may use X4 to X17, too.
static int32_t firmware(uint32_t call, uint32_t argument)
{
    register uint64_t x0 __asm__("x0") = call;
    register uint64_t x1 __asm__("x1") = argument;
    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "memory");
    return (int32_t)x0;
}

// May it be asked what it has? PSCI 1.0 knows whether there is a version of the convention to ask for (DEN0028 7.1).
static bool firmware_has_features(void)
{
    return board()->psci == PSCI_SMC && firmware(PSCI_VERSION, 0) >= PSCI_1_0 &&
           firmware(PSCI_FEATURES, SMCCC_VERSION) >= 0 && firmware(SMCCC_VERSION, 0) >= SMCCC_VERSION_1_1;
}

void barrier_init(void)
{
    bool asks = firmware_has_features();
    struct barrier_facts facts = {
        .csv2 = sysreg_read(id_aa64pfr0_el1) >> 56 & 15,
        .ecbhb = sysreg_read(id_aa64mmfr1_el1) >> 60 & 15,
        .clrbhb = sysreg_read(S3_0_C0_C6_2) >> 28 & 15, // ID_AA64ISAR2_EL1
        .workaround_1 = asks ? firmware(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_1) : NOT_SUPPORTED,
        .workaround_3 = asks ? firmware(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_3) : NOT_SUPPORTED,
    };
    struct barrier_plan plan = barrier_plan(&facts);
    barrier_call = plan.call;
    guarded = plan.call != 0 || plan.clears_history;
    if (guarded || BARRIER_TRIED) {
        sysreg_write(vbar_el2, (uintptr_t)exception_vectors_guarded);
        arm64_isb();
    }
    log_line("barriers", "at each exit and between VMs%s%s%s%s; CSV2 %u, ECBHB %u, CLRBHB %u, firmware's workarounds "
             "1: %d, 3: %d", plan.call == SMCCC_WORKAROUND_1 ? " WORKAROUND_1" : "",
             plan.call == SMCCC_WORKAROUND_3 ? " WORKAROUND_3" : "", plan.clears_history ? " CLRBHB" : "",
             guarded ? "" : plan.open ? " nothing, for nothing is offered" : " nothing, for nothing is needed",
             facts.csv2, facts.ecbhb, facts.clrbhb, facts.workaround_1, facts.workaround_3);
}

void arch_forget_guest(void)
{
    if (!guarded)
        return;
    if (barrier_call != 0)
        firmware(barrier_call, 0);
    __asm__ volatile("hint #22; isb" : : : "memory"); // CLRBHB, and nothing where there is none
}
