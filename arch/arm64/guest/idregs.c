// SPDX-License-Identifier: MIT
// ID registers, field by field: the host's, but no more than what the monitor keeps for a guest or traps. Pure.
//
// Every field has four bits, and a higher value promises all that a lower one does (Arm ARM D19.1.3). So one literal a
// register says it all: each hexadecimal digit is the highest value of its field that a guest is told. A field that did
// not exist when this was written is 0, and so are these:
//   registers that the monitor does not switch   SVE SME MTE RAS MPAM AMU TRF SPE TRBE BRBE CSV2_2 (SCXTNUM) LORegions
//   registers that need HCRX_EL2 or traps opened LS64 MOPS THE GCS PIE POE SCTLR2 TCR2 D128 NMI CMOW
//   what EL2 and EL3 are for                     EL2 EL3 VHE NV ECV FGT TWED EVT FWB XNX VMID16 stage 2 granules
//   a source of chance that no run repeats       RNDR, TME
//   waiting with a limit                         WFxT: the halted guest would need one more timer
//   addresses of more than 48 bits               LPA, LPA2
//   physical addresses of more than 36 bits      PARange: stage 2 has no more
// EL1 is AArch64 only. PAuth's keys are registers of EL1, which the guest has to itself.
#include "arch/arm64/guest/idregs.h"

struct limit {
    uint64_t most;
    uint64_t is_signed; // digit f: that field is signed, 0xf is -1: less than nothing
};

#define ALL UINT64_C(0xffffffff)

static const struct limit limits[IDREG_CRM_LAST + 1][8] = {
    // AArch32, whose applications EL0 runs where the host does.
    [1] = {
        [0] = { 0x0101ffff, 0 },  // ID_PFR0: RAS AMU hidden, CSV2 1
        [1] = { 0x10010f01, 0 },  // ID_PFR1: security, virtualization hidden
        [2] = { 0x00000006, 0 },  // ID_DFR0: the debug version alone
        [3] = { 0, 0 },           // ID_AFR0
        [4] = { ALL, 0 },         // ID_MMFR0 to 3
        [5] = { ALL, 0 },
        [6] = { ALL, 0 },
        [7] = { ALL, 0 },
    },
    [2] = {
        [0] = { ALL, 0 },         // ID_ISAR0 to 5
        [1] = { ALL, 0 },
        [2] = { ALL, 0 },
        [3] = { ALL, 0 },
        [4] = { ALL, 0 },
        [5] = { ALL, 0 },
        [6] = { 0x0ffff0ff, 0 },  // ID_MMFR4: EVT, XNX hidden
        [7] = { 0x11121111, 0 },  // ID_ISAR6
    },
    [3] = {
        [0] = { ALL, 0 },         // MVFR0 to 2
        [1] = { ALL, 0 },
        [2] = { ALL, 0 },
        [4] = { 0x00000011, 0 },  // ID_PFR2: SSBS, CSV3
        [5] = { 0, 0 },           // ID_DFR1
        [6] = { 0x00000012, 0 },  // ID_MMFR5: nTLBPA, ETS
    },
    // AArch64.
    [4] = {
        [0] = { 0x1101000001110012, 0x0000000000ff0000 }, // ID_AA64PFR0: CSV3 CSV2 DIT GIC AdvSIMD FP EL1 EL0
        [1] = { 0x0000000100000021, 0 },                  // ID_AA64PFR1: CSV2_frac SSBS BT
    },
    [5] = {
        [0] = { 0x00000000f0f0f106, 0x000000f000000f00 }, // ID_AA64DFR0: CTX_CMPs WRPs BRPs PMU 8; DoubleLock
    },
    [6] = {
        [0] = { 0x0221111110312120, 0 }, // ID_AA64ISAR0: TLB TS FHM DP SM4 SM3 SHA3 RDM Atomic CRC32 SHA2 SHA1 AES
        [1] = { 0x0111221111311552, 0 }, // ID_AA64ISAR1: XS I8MM DGH BF16 SPECRES SB ... API APA DPB
        [2] = { 0x0011000011105110, 0 }, // ID_AA64ISAR2: CSSC RPRFM CLRBHB PAC_frac BC APA3 GPA3 RPRES
    },
    [7] = {
        [0] = { 0x0000100000110121, 0x00000000ff000000 }, // ID_AA64MMFR0: ExS TGran4 64 16 BigEnd ASID PARange
        [1] = { 0x1011102001302002, 0 },                  // ID_AA64MMFR1: ECBHB TIDCP1 nTLBPA AFP ETS ... HAFDBS
        [2] = { 0x1021001110110111, 0 },                  // ID_AA64MMFR2: E0PD BBM TTL IDS AT ST CCIDX LVA LSM UAO CnP
    },
};

// Only ID_AA64PFR0 and ID_PFR1 name the GIC's system registers, a GICv2 has none.
static uint64_t without_gic(unsigned crm, unsigned op2, uint64_t value)
{
    if (crm == 4 && op2 == 0)
        return value & ~(UINT64_C(0xf) << 24);
    if (crm == 1 && op2 == 1)
        return value & ~(UINT64_C(0xf) << 28);
    return value;
}

bool idreg_is_shown(unsigned crm, unsigned op2)
{
    return limits[crm][op2].most != 0 || limits[crm][op2].is_signed != 0;
}

uint64_t idreg_for_guest(unsigned crm, unsigned op2, uint64_t host, unsigned gic_version)
{
    const struct limit *limit = &limits[crm][op2];
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 4) {
        uint64_t has = host >> shift & 15, most = limit->most >> shift & 15;
        bool below_nothing = has > 7 && (limit->is_signed >> shift & 15) != 0;
        value |= (below_nothing || has < most ? has : most) << shift;
    }
    return gic_version == 2 ? without_gic(crm, op2, value) : value;
}
