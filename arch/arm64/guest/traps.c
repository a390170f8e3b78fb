// SPDX-License-Identifier: MIT
// Writes the registers that say what of a guest traps: see traps.h for each bit's reason.
#include "arch/arm64/guest/traps.h"

// Is the four-bit field at `shift` of an ID register above 0?
static bool has(uint64_t id, unsigned shift)
{
    return (id >> shift & 15) != 0;
}

static uint64_t hcr(void)
{
    uint64_t isar1 = sysreg_read(id_aa64isar1_el1), isar2 = sysreg_read(S3_0_C0_C6_2);
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
    bool pauth = has(isar1, 4) || has(isar1, 8) || has(isar2, 12); // APA, API, APA3
    bool mte2 = (pfr1 >> 8 & 15) >= 2;
    return TRAPS_HCR | (has(sysreg_read(id_aa64mmfr1_el1), 16) ? TRAPS_HCR_LOR : 0) |
           (has(pfr0, 28) ? TRAPS_HCR_RAS : 0) | (mte2 ? TRAPS_HCR_MTE : 0) | (pauth ? TRAPS_HCR_PAUTH : 0);
}

static uint64_t mdcr(void)
{
    uint64_t dfr0 = sysreg_read(id_aa64dfr0_el1);
    bool pmu = has(dfr0, 8) && (dfr0 >> 8 & 15) != 15; // PMUVer; 15: another kind of counters
    uint64_t counters = pmu ? sysreg_read(pmcr_el0) >> 11 & 31 : 0;
    return TRAPS_MDCR | counters | (has(dfr0, 32) ? TRAPS_MDCR_SPE : 0) | (has(dfr0, 40) ? TRAPS_MDCR_TRF : 0);
}

static uint64_t cptr(void)
{
    return TRAPS_CPTR | (has(sysreg_read(id_aa64pfr0_el1), 44) ? TRAPS_CPTR_AMU : 0) |
           (has(sysreg_read(id_aa64dfr0_el1), 4) ? TRAPS_CPTR_TRACE : 0);
}

static void trap_mpam(void)
{
    sysreg_write(S3_4_C10_C5_0, TRAPS_MPAM2);
    if ((sysreg_read(S3_0_C10_C4_4) & MPAMIDR_HAS_HCR) != 0)
        sysreg_write(S3_4_C10_C4_0, TRAPS_MPAMHCR);
}

// A CPU may have E2H for good, and then these registers have other bits.
bool traps_possible(void)
{
    return (sysreg_read(hcr_el2) & HCR_E2H) == 0;
}

static void set_fine_grained(unsigned version)
{
    sysreg_write(S3_4_C1_C1_4, 0); // HFGRTR, HFGWTR, HFGITR, HDFGRTR, HDFGWTR
    sysreg_write(S3_4_C1_C1_5, 0);
    sysreg_write(S3_4_C1_C1_6, 0);
    sysreg_write(S3_4_C3_C1_4, 0);
    sysreg_write(S3_4_C3_C1_5, 0);
    if (version < 2)
        return;
    sysreg_write(S3_4_C3_C1_2, 0); // HFGRTR2, HFGWTR2, HFGITR2, HDFGRTR2, HDFGWTR2
    sysreg_write(S3_4_C3_C1_3, 0);
    sysreg_write(S3_4_C3_C1_7, 0);
    sysreg_write(S3_4_C3_C1_0, 0);
    sysreg_write(S3_4_C3_C1_1, 0);
}

void traps_set(void)
{
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), fine = sysreg_read(id_aa64mmfr0_el1) >> 56 & 15;
    sysreg_write(hcr_el2, hcr());
    sysreg_write(mdcr_el2, mdcr());
    sysreg_write(cptr_el2, cptr());
    sysreg_write(cnthctl_el2, TRAPS_CNTHCTL);
    sysreg_write(hstr_el2, TRAPS_HSTR);
    if (has(sysreg_read(id_aa64mmfr1_el1), 40)) // HCX
        sysreg_write(S3_4_C1_C2_2, 0);
    if (fine != 0) {
        set_fine_grained((unsigned)fine);
        if (has(pfr0, 44)) // AMU
            sysreg_write(S3_4_C3_C1_6, 0); // HAFGRTR
    }
    if (has(pfr0, 40) || has(sysreg_read(id_aa64pfr1_el1), 16)) // MPAM, MPAM_frac
        trap_mpam();
    arm64_isb();
}
