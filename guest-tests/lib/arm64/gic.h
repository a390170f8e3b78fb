// SPDX-License-Identifier: MIT
// The interrupt controller, GICv2 (IHI 0048) or GICv3 (IHI 0069) as the device tree says: what tests drive of it.
#ifndef GUEST_TESTS_LIB_ARM64_GIC_H
#define GUEST_TESTS_LIB_ARM64_GIC_H

#include "guest-tests/lib/guest.h"

#define GIC_SPURIOUS 1020u // and above
#define INTID_CNTV   27u
#define INTID_CNTP   30u

// A compare value that is never reached. Not the last one there is: QEMU 7.2 adds CNTVOFF to it without a look at the
// carry, and does not come out of its own list of timers any more.
#define CNTV_NEVER   ((uint64_t)INT64_MAX)

void gic_init(void);
void gic_enable(unsigned intid, bool on);
void gic_priority(unsigned intid, unsigned priority);
void gic_edge(unsigned intid, bool edge);
void gic_set_pending(unsigned intid, bool pending);
void gic_set_active(unsigned intid, bool active);
bool gic_is_pending(unsigned intid);
bool gic_is_active(unsigned intid);
void gic_mask(unsigned priority); // only what is more urgent, a lower number, passes
void gic_sgi_self(unsigned intid);
unsigned gic_acknowledge(void);
void gic_end(unsigned intid);

// Where the registers of interrupts 0 to 31 are: in GICv3's redistributor, with the distributor's offsets.
uint64_t gic_bank(unsigned intid);
#define GICD_CTLR       0x000u
#define GICD_TYPER      0x004u
#define GICD_IIDR       0x008u
#define GICD_IGROUPR    0x080u
#define GICD_ISENABLER  0x100u
#define GICD_ICENABLER  0x180u
#define GICD_ISPENDR    0x200u
#define GICD_ICPENDR    0x280u
#define GICD_ISACTIVER  0x300u
#define GICD_ICACTIVER  0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR  0x800u
#define GICD_ICFGR      0xc00u
#define GICD_SGIR       0xf00u
#define GICC_CTLR       0x000u
#define GICC_PMR        0x004u
#define GICC_BPR        0x008u
#define GICC_IAR        0x00cu
#define GICC_EOIR       0x010u
#define GICC_RPR        0x014u
#define GICC_HPPIR      0x018u
#define GICR_CTLR       0x0000u
#define GICR_TYPER      0x0008u
#define GICR_WAKER      0x0014u
#define GICR_SGI        0x10000u // the second frame

// GICv3's registers of the CPU interface, by encodings that every assembler knows.
#define ICC_PMR_EL1     S3_0_C4_C6_0
#define ICC_IAR1_EL1    S3_0_C12_C12_0
#define ICC_EOIR1_EL1   S3_0_C12_C12_1
#define ICC_HPPIR1_EL1  S3_0_C12_C12_2
#define ICC_BPR1_EL1    S3_0_C12_C12_3
#define ICC_CTLR_EL1    S3_0_C12_C12_4
#define ICC_SRE_EL1     S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_SGI1R_EL1   S3_0_C12_C11_5
#define ICC_RPR_EL1     S3_0_C12_C11_3
#define ICC_DIR_EL1     S3_0_C12_C11_1

#endif
