// SPDX-License-Identifier: MIT
// The registers of EL1 and EL0 that a guest has to itself in the CPU, as they are when a VM begins, so that nothing of
// the one before it is seen: as after a warm reset where that defines them (Arm ARM D19.2), and zero where it does not.
// All that neither trap (traps.h) nor are a part of PSTATE, and that other files do not reset: debugregs.c, fpu.S,
// vgic_lr.c and pmu.c have theirs. guest-tests/arm64/leftovers.c looks for more.
#include "arch/arm64/guest/guest.h"

#define GUEST_MPIDR     (UINT64_C(1) << 31)  // RES1; affinity 0.0.0.0
#define SCTLR_EL1_RESET UINT64_C(0x30d00800) // MMU and caches off, little endian, RES1

#define ISAR1_PAUTH     UINT64_C(0xff000ff0) // GPI, GPA, API, APA
#define ISAR2_PAUTH     UINT64_C(0xff00)     // APA3, GPA3
#define PFR0_RAS        (UINT64_C(0xf) << 28)
#define PFR1_SME        (UINT64_C(0xf) << 24)

// Every EL1 register that the guest owns, as after a warm reset where that defines it and zero where it does not.
static void reset_el1(void)
{
    sysreg_write(sctlr_el1, SCTLR_EL1_RESET);
    sysreg_write(cpacr_el1, 0);
    sysreg_write(ttbr0_el1, 0);
    sysreg_write(ttbr1_el1, 0);
    sysreg_write(tcr_el1, 0);
    sysreg_write(mair_el1, 0);
    sysreg_write(amair_el1, 0);
    sysreg_write(vbar_el1, 0);
    sysreg_write(esr_el1, 0);
    sysreg_write(far_el1, 0);
    sysreg_write(par_el1, 0);
    sysreg_write(afsr0_el1, 0);
    sysreg_write(afsr1_el1, 0);
    sysreg_write(elr_el1, 0);
    sysreg_write(spsr_el1, 0);
    sysreg_write(sp_el0, 0);
    sysreg_write(sp_el1, 0);
    sysreg_write(tpidr_el0, 0);
    sysreg_write(tpidrro_el0, 0);
    sysreg_write(tpidr_el1, 0);
    sysreg_write(contextidr_el1, 0);
    sysreg_write(csselr_el1, 0);
    sysreg_write(cntkctl_el1, 0);
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntv_cval_el0, 0);
    sysreg_write(vpidr_el2, sysreg_read(midr_el1));
    sysreg_write(vmpidr_el2, GUEST_MPIDR);
}

static void reset_keys(void)
{
    sysreg_write(S3_0_C2_C1_0, 0); // APIAKeyLo_EL1, then Hi; APIB, APDA, APDB, APGA
    sysreg_write(S3_0_C2_C1_1, 0);
    sysreg_write(S3_0_C2_C1_2, 0);
    sysreg_write(S3_0_C2_C1_3, 0);
    sysreg_write(S3_0_C2_C2_0, 0);
    sysreg_write(S3_0_C2_C2_1, 0);
    sysreg_write(S3_0_C2_C2_2, 0);
    sysreg_write(S3_0_C2_C2_3, 0);
    sysreg_write(S3_0_C2_C3_0, 0);
    sysreg_write(S3_0_C2_C3_1, 0);
}

// A deferred SError: with HCR_EL2.AMO a guest's DISR_EL1 is VDISR_EL2, and DISR_EL1 the host's (D19.2.31). No trap
// keeps a guest off it.
static void reset_ras(void)
{
    sysreg_write(S3_0_C12_C1_1, 0); // DISR_EL1
    sysreg_write(S3_4_C12_C1_1, 0); // VDISR_EL2
    sysreg_write(S3_4_C5_C2_3, 0);  // VSESR_EL2
}

void guest_registers_reset(void)
{
    reset_el1();
    if ((sysreg_read(id_aa64isar1_el1) & ISAR1_PAUTH) != 0 || (sysreg_read(S3_0_C0_C6_2) & ISAR2_PAUTH) != 0)
        reset_keys();
    if ((sysreg_read(id_aa64pfr0_el1) & PFR0_RAS) != 0)
        reset_ras();
    if ((sysreg_read(id_aa64pfr1_el1) & PFR1_SME) != 0)
        sysreg_write(S3_3_C13_C0_5, 0); // TPIDR2_EL0, which only a fine-grained trap would keep
}
