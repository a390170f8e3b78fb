// SPDX-License-Identifier: MIT
// Every field of the ID registers that Arm ARM DDI 0487 issue J defines (D19.2), with what a guest may be told of it at
// most and why, written down apart from arch/arm64/guest/idregs.c. H: hidden, always 0. Registers and bits
// that are not here are reserved.
#ifndef TOOLS_TESTS_NATIVE_ARM64_IDREG_FIELDS_H
#define TOOLS_TESTS_NATIVE_ARM64_IDREG_FIELDS_H

#include <stdint.h>

#define H 0
#define SIGNED_H   0x10 // signed: 0 is the base, f is none; no more than the base
#define SIGNED(n)  (0x10 | (n))
#define NUMBER     15 // counts something, or is a fact of AArch32 that EL0's applications may know

struct idreg_field {
    const char *name;
    uint8_t     crm, op2, shift, most;
};

static const struct idreg_field idreg_fields[] = {
    // ID_PFR0_EL1, ID_PFR1_EL1, ID_DFR0_EL1
    { "State0", 1, 0, 0, NUMBER }, { "State1", 1, 0, 4, NUMBER }, { "State2", 1, 0, 8, NUMBER },
    { "State3", 1, 0, 12, NUMBER }, { "CSV2", 1, 0, 16, 1 }, { "AMU", 1, 0, 20, H }, { "DIT", 1, 0, 24, 1 },
    { "RAS", 1, 0, 28, H },
    { "ProgMod", 1, 1, 0, 1 }, { "Security", 1, 1, 4, H }, { "MProgMod", 1, 1, 8, NUMBER },
    { "Virtualization", 1, 1, 12, H }, { "GenTimer", 1, 1, 16, 1 }, { "Sec_frac", 1, 1, 20, H },
    { "Virt_frac", 1, 1, 24, H }, { "GIC", 1, 1, 28, 1 },
    { "CopDbg", 1, 2, 0, 6 }, { "CopSDbg", 1, 2, 4, H }, { "MMapDbg", 1, 2, 8, H }, { "CopTrc", 1, 2, 12, H },
    { "MMapTrc", 1, 2, 16, H }, { "MProfDbg", 1, 2, 20, H }, { "PerfMon", 1, 2, 24, H }, { "TraceFilt", 1, 2, 28, H },
    // ID_MMFR4_EL1, ID_ISAR6_EL1, ID_PFR2_EL1, ID_MMFR5_EL1. ID_MMFR0 to 3, ID_ISAR0 to 5 and MVFR0 to 2 are whole.
    { "SpecSEI", 2, 6, 0, NUMBER }, { "AC2", 2, 6, 4, NUMBER }, { "XNX", 2, 6, 8, H }, { "CnP", 2, 6, 12, NUMBER },
    { "HPDS", 2, 6, 16, NUMBER }, { "LSM", 2, 6, 20, NUMBER }, { "CCIDX", 2, 6, 24, NUMBER }, { "EVT", 2, 6, 28, H },
    { "JSCVT", 2, 7, 0, 1 }, { "DP", 2, 7, 4, 1 }, { "FHM", 2, 7, 8, 1 }, { "SB", 2, 7, 12, 1 },
    { "SPECRES", 2, 7, 16, 2 }, { "BF16", 2, 7, 20, 1 }, { "I8MM", 2, 7, 24, 1 }, { "CLRBHB", 2, 7, 28, 1 },
    { "CSV3", 3, 4, 0, 1 }, { "SSBS", 3, 4, 4, 1 }, { "RAS_frac", 3, 4, 8, H },
    { "MTPMU", 3, 5, 0, H }, { "HPMN0", 3, 5, 4, H },
    { "ETS", 3, 6, 0, 2 }, { "nTLBPA", 3, 6, 4, 1 },
    // ID_AA64PFR0_EL1: EL1 is AArch64 only
    { "EL0", 4, 0, 0, 2 }, { "EL1", 4, 0, 4, 1 }, { "EL2", 4, 0, 8, H }, { "EL3", 4, 0, 12, H },
    { "FP", 4, 0, 16, SIGNED(1) }, { "AdvSIMD", 4, 0, 20, SIGNED(1) }, { "GIC", 4, 0, 24, 1 }, { "RAS", 4, 0, 28, H },
    { "SVE", 4, 0, 32, H }, { "SEL2", 4, 0, 36, H }, { "MPAM", 4, 0, 40, H }, { "AMU", 4, 0, 44, H },
    { "DIT", 4, 0, 48, 1 }, { "RME", 4, 0, 52, H }, { "CSV2", 4, 0, 56, 1 }, { "CSV3", 4, 0, 60, 1 },
    // ID_AA64PFR1_EL1
    { "BT", 4, 1, 0, 1 }, { "SSBS", 4, 1, 4, 2 }, { "MTE", 4, 1, 8, H }, { "RAS_frac", 4, 1, 12, H },
    { "MPAM_frac", 4, 1, 16, H }, { "SME", 4, 1, 24, H }, { "RNDR_trap", 4, 1, 28, H }, { "CSV2_frac", 4, 1, 32, 1 },
    { "NMI", 4, 1, 36, H }, { "MTE_frac", 4, 1, 40, H }, { "GCS", 4, 1, 44, H }, { "THE", 4, 1, 48, H },
    { "MTEX", 4, 1, 52, H }, { "DF2", 4, 1, 56, H }, { "PFAR", 4, 1, 60, H },
    // ID_AA64ZFR0_EL1, ID_AA64SMFR0_EL1: any digit of theirs
    { "SVEver", 4, 4, 0, H }, { "AES", 4, 4, 4, H }, { "BitPerm", 4, 4, 16, H }, { "BF16", 4, 4, 20, H },
    { "SHA3", 4, 4, 32, H }, { "SM4", 4, 4, 40, H }, { "I8MM", 4, 4, 44, H }, { "F32MM", 4, 4, 52, H },
    { "F64MM", 4, 4, 56, H }, { "F32F32", 4, 5, 32, H }, { "I8I32", 4, 5, 36, H }, { "SMEver", 4, 5, 56, H },
    { "FA64", 4, 5, 60, H },
    // ID_AA64DFR0_EL1: debug of version 8.0; performance monitors of version 3, 15 are others
    { "DebugVer", 5, 0, 0, 6 }, { "TraceVer", 5, 0, 4, H }, { "PMUVer", 5, 0, 8, SIGNED(1) },
    { "BRPs", 5, 0, 12, NUMBER },
    { "PMSS", 5, 0, 16, H }, { "WRPs", 5, 0, 20, NUMBER }, { "SEBEP", 5, 0, 24, H }, { "CTX_CMPs", 5, 0, 28, NUMBER },
    { "PMSVer", 5, 0, 32, H }, { "DoubleLock", 5, 0, 36, SIGNED_H }, { "TraceFilt", 5, 0, 40, H },
    { "TraceBuffer", 5, 0, 44, H }, { "MTPMU", 5, 0, 48, H }, { "BRBE", 5, 0, 52, H }, { "ExtTrcBuff", 5, 0, 56, H },
    { "HPMN0", 5, 0, 60, H },
    // ID_AA64ISAR0_EL1
    { "AES", 6, 0, 4, 2 }, { "SHA1", 6, 0, 8, 1 }, { "SHA2", 6, 0, 12, 2 }, { "CRC32", 6, 0, 16, 1 },
    { "Atomic", 6, 0, 20, 3 }, { "TME", 6, 0, 24, H }, { "RDM", 6, 0, 28, 1 }, { "SHA3", 6, 0, 32, 1 },
    { "SM3", 6, 0, 36, 1 }, { "SM4", 6, 0, 40, 1 }, { "DP", 6, 0, 44, 1 }, { "FHM", 6, 0, 48, 1 },
    { "TS", 6, 0, 52, 2 }, { "TLB", 6, 0, 56, 2 }, { "RNDR", 6, 0, 60, H },
    // ID_AA64ISAR1_EL1
    { "DPB", 6, 1, 0, 2 }, { "APA", 6, 1, 4, 5 }, { "API", 6, 1, 8, 5 }, { "JSCVT", 6, 1, 12, 1 },
    { "FCMA", 6, 1, 16, 1 }, { "LRCPC", 6, 1, 20, 3 }, { "GPA", 6, 1, 24, 1 }, { "GPI", 6, 1, 28, 1 },
    { "FRINTTS", 6, 1, 32, 1 }, { "SB", 6, 1, 36, 1 }, { "SPECRES", 6, 1, 40, 2 }, { "BF16", 6, 1, 44, 2 },
    { "DGH", 6, 1, 48, 1 }, { "I8MM", 6, 1, 52, 1 }, { "XS", 6, 1, 56, 1 }, { "LS64", 6, 1, 60, H },
    // ID_AA64ISAR2_EL1
    { "WFxT", 6, 2, 0, H }, { "RPRES", 6, 2, 4, 1 }, { "GPA3", 6, 2, 8, 1 }, { "APA3", 6, 2, 12, 5 },
    { "MOPS", 6, 2, 16, H }, { "BC", 6, 2, 20, 1 }, { "PAC_frac", 6, 2, 24, 1 }, { "CLRBHB", 6, 2, 28, 1 },
    { "SYSREG_128", 6, 2, 32, H }, { "SYSINSTR_128", 6, 2, 36, H }, { "PRFMSLC", 6, 2, 40, H },
    { "RPRFM", 6, 2, 48, 1 }, { "CSSC", 6, 2, 52, 1 }, { "LUT", 6, 2, 56, H }, { "ATS1A", 6, 2, 60, H },
    // ID_AA64MMFR0_EL1: 36 bits of physical address
    { "PARange", 7, 0, 0, 1 }, { "ASIDBits", 7, 0, 4, 2 }, { "BigEnd", 7, 0, 8, 1 }, { "SNSMem", 7, 0, 12, H },
    { "BigEndEL0", 7, 0, 16, 1 }, { "TGran16", 7, 0, 20, 1 }, { "TGran64", 7, 0, 24, SIGNED_H },
    { "TGran4", 7, 0, 28, SIGNED_H }, { "TGran16_2", 7, 0, 32, H }, { "TGran64_2", 7, 0, 36, H },
    { "TGran4_2", 7, 0, 40, H }, { "ExS", 7, 0, 44, 1 }, { "FGT", 7, 0, 56, H }, { "ECV", 7, 0, 60, H },
    // ID_AA64MMFR1_EL1
    { "HAFDBS", 7, 1, 0, 2 }, { "VMIDBits", 7, 1, 4, H }, { "VH", 7, 1, 8, H }, { "HPDS", 7, 1, 12, 2 },
    { "LO", 7, 1, 16, H }, { "PAN", 7, 1, 20, 3 }, { "SpecSEI", 7, 1, 24, 1 }, { "XNX", 7, 1, 28, H },
    { "TWED", 7, 1, 32, H }, { "ETS", 7, 1, 36, 2 }, { "HCX", 7, 1, 40, H }, { "AFP", 7, 1, 44, 1 },
    { "nTLBPA", 7, 1, 48, 1 }, { "TIDCP1", 7, 1, 52, 1 }, { "CMOW", 7, 1, 56, H }, { "ECBHB", 7, 1, 60, 1 },
    // ID_AA64MMFR2_EL1
    { "CnP", 7, 2, 0, 1 }, { "UAO", 7, 2, 4, 1 }, { "LSM", 7, 2, 8, 1 }, { "IESB", 7, 2, 12, H },
    { "VARange", 7, 2, 16, 1 }, { "CCIDX", 7, 2, 20, 1 }, { "NV", 7, 2, 24, H }, { "ST", 7, 2, 28, 1 },
    { "AT", 7, 2, 32, 1 }, { "IDS", 7, 2, 36, 1 }, { "FWB", 7, 2, 40, H }, { "TTL", 7, 2, 48, 1 },
    { "BBM", 7, 2, 52, 2 }, { "EVT", 7, 2, 56, H }, { "E0PD", 7, 2, 60, 1 },
    // ID_AA64MMFR3_EL1
    { "TCRX", 7, 3, 0, H }, { "SCTLRX", 7, 3, 4, H }, { "S1PIE", 7, 3, 8, H }, { "S1POE", 7, 3, 16, H },
    { "MEC", 7, 3, 28, H }, { "D128", 7, 3, 32, H },
};

// Registers of AArch32 that a guest may know as a whole.
static const struct {
    uint8_t crm, op2;
} idreg_whole[] = { { 1, 4 }, { 1, 5 }, { 1, 6 }, { 1, 7 }, { 2, 0 }, { 2, 1 }, { 2, 2 },
                    { 2, 3 }, { 2, 4 }, { 2, 5 }, { 3, 0 }, { 3, 1 }, { 3, 2 } };

#endif
