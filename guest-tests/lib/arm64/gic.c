// SPDX-License-Identifier: MIT
// The interrupt controller: all interrupts off and of one priority, in the group that a kernel's EL1 uses.
#include "guest-tests/lib/arm64/gic.h"

#define POLLS                  1000000u

// read_sysreg() makes a text of its argument: the names that are macros have to be their meaning first.
#define read_icc(name)         read_sysreg(name)
#define write_icc(name, value) write_sysreg(name, value)

uint64_t gic_bank(unsigned intid)
{
    return board.gic_version == 3 && intid < 32 ? board.gicr + GICR_SGI : board.gicd;
}

static uint64_t bit_register(unsigned intid, uint64_t offset)
{
    return gic_bank(intid) + offset + intid / 32 * 4;
}

// IHI 0069, GICR_WAKER: the redistributor is asleep after reset.
static void wake_redistributor(void)
{
    write32(board.gicr + GICR_WAKER, read32(board.gicr + GICR_WAKER) & ~2u);
    for (unsigned polls = 0; polls < POLLS && (read32(board.gicr + GICR_WAKER) & 4); polls++)
        ;
}

static void init_bank(unsigned first)
{
    write32(bit_register(first, GICD_ICENABLER), ~0u);
    write32(bit_register(first, GICD_ICPENDR), ~0u);
    write32(bit_register(first, GICD_ICACTIVER), ~0u);
    if (board.gic_version == 3)
        write32(bit_register(first, GICD_IGROUPR), ~0u);
    for (unsigned i = 0; i < 32; i += 4)
        write32(gic_bank(first) + GICD_IPRIORITYR + first + i, 0xa0a0a0a0);
}

void gic_init(void)
{
    if (board.gic_version == 3) {
        write_icc(ICC_SRE_EL1, 7);
        wake_redistributor();
    }
    write32(board.gicd + GICD_CTLR, 0);
    unsigned lines = (read32(board.gicd + GICD_TYPER) & 31) * 32 + 32;
    for (unsigned first = 0; first < lines && first < 1020; first += 32)
        init_bank(first);
    if (board.gic_version == 3) {
        write32(board.gicd + GICD_CTLR, 1 << 4 | 1 << 1); // ARE, group 1
        write_icc(ICC_BPR1_EL1, 0);
        write_icc(ICC_CTLR_EL1, 0);
        write_icc(ICC_IGRPEN1_EL1, 1);
    } else {
        write32(board.gicd + GICD_CTLR, 1);
        write32(board.gicc + GICC_BPR, 0);
        write32(board.gicc + GICC_CTLR, 1);
    }
    gic_mask(0xff);
}

void gic_enable(unsigned intid, bool on)
{
    // GICv2: a shared interrupt must have a target; the first CPU is bit 0. GICv3's GICD_IROUTER is 0 after reset,
    // which is the same.
    if (board.gic_version == 2 && intid >= 32)
        *(volatile uint8_t *)(board.gicd + GICD_ITARGETSR + intid) = 1;
    write32(bit_register(intid, on ? GICD_ISENABLER : GICD_ICENABLER), 1u << intid % 32);
}

void gic_priority(unsigned intid, unsigned priority)
{
    *(volatile uint8_t *)(gic_bank(intid) + GICD_IPRIORITYR + intid) = (uint8_t)priority;
}

void gic_edge(unsigned intid, bool edge)
{
    uint64_t at = gic_bank(intid) + GICD_ICFGR + intid / 16 * 4;
    uint32_t bit = 2u << intid % 16 * 2;
    write32(at, edge ? read32(at) | bit : read32(at) & ~bit);
}

void gic_set_pending(unsigned intid, bool pending)
{
    write32(bit_register(intid, pending ? GICD_ISPENDR : GICD_ICPENDR), 1u << intid % 32);
}

void gic_set_active(unsigned intid, bool active)
{
    write32(bit_register(intid, active ? GICD_ISACTIVER : GICD_ICACTIVER), 1u << intid % 32);
}

bool gic_is_pending(unsigned intid)
{
    return read32(bit_register(intid, GICD_ISPENDR)) >> intid % 32 & 1;
}

bool gic_is_active(unsigned intid)
{
    return read32(bit_register(intid, GICD_ISACTIVER)) >> intid % 32 & 1;
}

void gic_mask(unsigned priority)
{
    if (board.gic_version == 3)
        write_icc(ICC_PMR_EL1, priority);
    else
        write32(board.gicc + GICC_PMR, priority);
}

// ICC_SGI1R: target list bit of affinity 0, INTID in bits 27:24. GICD_SGIR: filter 2 is "the sender only".
void gic_sgi_self(unsigned intid)
{
    __asm__ volatile("dsb sy" : : : "memory");
    if (board.gic_version == 3)
        write_icc(ICC_SGI1R_EL1, (uint64_t)intid << 24 | 1);
    else
        write32(board.gicd + GICD_SGIR, 2u << 24 | intid);
}

unsigned gic_acknowledge(void)
{
    uint32_t intid = board.gic_version == 3 ? (uint32_t)read_icc(ICC_IAR1_EL1) : read32(board.gicc + GICC_IAR);
    __asm__ volatile("dsb sy" : : : "memory");
    return intid & (board.gic_version == 3 ? 0xffffff : 0x3ff);
}

void gic_end(unsigned intid)
{
    if (board.gic_version == 3)
        write_icc(ICC_EOIR1_EL1, intid);
    else
        write32(board.gicc + GICC_EOIR, intid);
}
