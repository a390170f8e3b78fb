// SPDX-License-Identifier: MIT
// What of a guest's EL1 and EL0 comes to the monitor, bit by bit of the EL2 registers that say so (Arm ARM DDI 0487
// D19.2 and D19.3). sysreg.c, smccc.c and the lists of interrupts count on it. A bit of a feature that the CPU has not
// got is RES0, and stays 0.
#ifndef ARCH_ARM64_GUEST_TRAPS_H
#define ARCH_ARM64_GUEST_TRAPS_H

#include "arch/arm64/host/arm64.h"

// HCR_EL2, always:
//   VM SWIO           stage 2; and DC ISW is DC CISW, so that a guest that throws its caches away keeps its memory.
//                     Other set/way operations clean the host's caches of this CPU, which loses nothing (no TSW).
//   PTW               a guest's tables are in RAM: where its addresses are looked up for it, no device is read
//   FMO IMO AMO       host interrupts and SErrors come here; a guest's own are virtual. ICC_SGIxR and ICC_ASGI1R trap.
//   TWI               the CPU is the monitor's while the guest waits. WFE ends by itself and is not trapped (TWE).
//   TID1 TID3         REVIDR and AIDR; the ID registers, masked (idregs.c). CTR, CLIDR and CCSIDR are the host's, as
//                     its caches are, and CSSELR is a register of EL1 (no TID2).
//   TSC               firmware belongs to the monitor; HVC comes here without a bit (HCD clear)
//   TIDCP TACR        implementation defined registers, ACTLR_EL1: they may do anything to the CPU
//   RW                EL1 is AArch64; EL0 may be AArch32
// Not set: TVM, TRVM, TTLB, TPU, TPCP (a guest's translation and caches are its own, VMID and stage 2 keep it in), TGE,
// E2H, NV. ATA, FIEN, EnSCXT, TME stay 0: MTE, RAS fault injection, SCXTNUM and TME are not announced, and trap.
#define TRAPS_HCR (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TWI | HCR_TID1 | HCR_TID3 | \
                   HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW)
// HCR_EL2, where the CPU has the feature: LORegions and RAS records trap, GMID traps, PAuth's keys and instructions do
// not: they are registers of EL1, and the monitor uses none.
#define TRAPS_HCR_LOR   HCR_TLOR
#define TRAPS_HCR_RAS   HCR_TERR
#define TRAPS_HCR_MTE   BIT(58) // TID5
#define TRAPS_HCR_PAUTH (HCR_API | HCR_APK)

// MDCR_EL2, always: all debug registers trap, because MDSCR_EL1 is shared with whoever steps the guest (debugregs.c);
// the ones of powering down and of the debug ROM with them. Performance counters trap: the CPU's are the monitor's, and
// the guest's are made of them (pmu.c). Profiling and trace filters trap and are not announced; the buffers of SPE and
// TRBE belong to EL2 (E2PB and E2TB 0). HPMN is the number of counters, so that none is reserved.
#define TRAPS_MDCR     (MDCR_TPM | MDCR_TPMCR | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA)
#define TRAPS_MDCR_SPE MDCR_TPMS
#define TRAPS_MDCR_TRF MDCR_TTRF

// CPTR_EL2: FP and SIMD are the guest's alone, the monitor is compiled without. SVE and SME trap: TZ and TSM, which are
// RES1 where there is no such thing. So do activity monitors and trace registers. CPACR_EL1 is the guest's (TCPAC).
#define TRAPS_CPTR       (CPTR_EL2_RES1 | CPTR_TZ | BIT(12))
#define TRAPS_CPTR_AMU   CPTR_TAM
#define TRAPS_CPTR_TRACE CPTR_TTA

// CNTHCTL_EL2: CNTPCT_EL0 and CNTP_* trap (EL1PCTEN, EL1PCEN clear) and are answered from V; an access from EL0 that
// CNTKCTL_EL1 does not allow goes to EL1 before that. CNTVCT_EL0 and CNTV_* are the guest's. No events of EL2's own.
#define TRAPS_CNTHCTL 0

// HSTR_EL2: no AArch32 CP15 access from EL0 traps for its CRn. HCRX_EL2 and the fine-grained traps: all 0, which traps
// what they open, and nothing else.
#define TRAPS_HSTR 0

// MPAM2_EL2, where the CPU has MPAM: MPAM0_EL1 and MPAM1_EL1 trap; MPAMHCR_EL2, if there is one: MPAMIDR_EL1, too. A
// guest's memory traffic has the monitor's partition.
#define TRAPS_MPAM2     (BIT(49) | BIT(48)) // TRAPMPAM1EL1, TRAPMPAM0EL1
#define TRAPS_MPAMHCR   BIT(31)             // TRAP_MPAMIDR_EL1
#define MPAMIDR_HAS_HCR BIT(17)

// Can they be written? Only while HCR_EL2.E2H is clear, which cpu_init() has done if the CPU lets it be.
bool traps_possible(void);

// Writes all of these; HCR_EL2 stays so. ICC_SRE_EL2 is host/gic.c's: without Enable, so that ICC_SRE_EL1 traps and a
// guest cannot leave the GIC's system registers.
void traps_set(void);

#endif
