// SPDX-License-Identifier: MIT
// The host's GIC: see host/gic.h. Registers: IHI 0069 chapter 12, IHI 0048 chapter 4; offsets that are the same in both
// versions are named once. Called by vcpu.c at the start, by interrupts.c for what has come, by vgic_lr.c.
#include "arch/arm64/host/gic.h"

#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/board.h"
#include "vmm/base/format.h"

// Distributor; the registers of SGIs and PPIs are in the redistributor's second frame in version 3.
#define GICD_CTLR         0x000u
#define GICD_TYPER        0x004u
#define GIC_IGROUPR       0x080u
#define GIC_ISENABLER     0x100u
#define GIC_ICENABLER     0x180u
#define GIC_ICPENDR       0x280u
#define GIC_ISACTIVER     0x300u
#define GIC_ICACTIVER     0x380u
#define GIC_IPRIORITYR    0x400u
#define GIC_ICFGR         0xc00u

#define TYPER_LINES       0x1fu
#define CTLR_V2_ENABLE    0x1u // group 0, or what the secure side leaves to us
#define CTLR_V3_GROUP1    0x2u
#define CTLR_V3_ARE       0x10u
#define CTLR_V3_RWP       (UINT32_C(1) << 31)

// Redistributor, version 3.
#define GICR_CTLR         0x00u
#define GICR_TYPER        0x08u
#define GICR_WAKER        0x14u
#define GICR_FRAME        UINT64_C(0x10000)
#define GICR_CTLR_RWP     0x8u
#define GICR_TYPER_VLPIS  0x2u // two more frames
#define GICR_TYPER_LAST   0x10u
#define WAKER_SLEEP       0x2u
#define WAKER_ASLEEP      0x4u

// CPU interface, version 2.
#define GICC_CTLR         0x00u
#define GICC_PMR          0x04u
#define GICC_BPR          0x08u
#define GICC_IAR          0x0cu
#define GICC_EOIR         0x10u
#define GICC_ENABLE       0x1u
#define GICC_EOIMODE      0x200u

// CPU interface, version 3.
#define SRE_EL2           UINT64_C(7) // system registers, no bypass; EL1 has no other choice, and asking for one traps
#define SRE_SRE           UINT64_C(1)
#define ICC_CTLR_EOIMODE  UINT64_C(2)

#define ALL               UINT32_MAX
#define INTID_MASK        0x3ffu
#define PRIORITY          0xa0a0a0a0u // of all alike
#define PATIENCE          1000000u    // reads of a register that is about to change

static struct {
    unsigned version;
    uint64_t distributor, cpu_interface, gich, gicv;
    uint64_t redistributor; // of this CPU
    uint64_t own;           // the frame with the registers of this CPU's SGIs and PPIs
} gic;

static bool wait_clear(uint64_t address, uint32_t bits)
{
    for (unsigned i = 0; i < PATIENCE; i++)
        if ((mmio_read32(address) & bits) == 0)
            return true;
    return false;
}

// 32 interrupts: none enabled, pending or active.
static void silence(uint64_t frame, unsigned word)
{
    mmio_write32(frame + GIC_ICENABLER + 4 * word, ALL);
    mmio_write32(frame + GIC_ICPENDR + 4 * word, ALL);
    mmio_write32(frame + GIC_ICACTIVER + 4 * word, ALL);
    if (gic.version == 3)
        mmio_write32(frame + GIC_IGROUPR + 4 * word, ALL);
    for (unsigned i = 0; i < 8; i++)
        mmio_write32(frame + GIC_IPRIORITYR + 32 * word + 4 * i, PRIORITY);
}

static void silence_spis(void)
{
    unsigned words = (mmio_read32(gic.distributor + GICD_TYPER) & TYPER_LINES) + 1;
    for (unsigned word = 1; word < words; word++)
        silence(gic.distributor, word);
}

// --- version 3 ------------------------------------------------------------------------------------------------------

static bool find_redistributor(const struct board *at)
{
    uint64_t mpidr = sysreg_read(mpidr_el1);
    uint64_t affinity = (mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24;
    for (uint64_t offset = 0; offset + 2 * GICR_FRAME <= at->gicr_size;) {
        uint64_t typer = mmio_read64(at->gicr + offset + GICR_TYPER);
        if (typer >> 32 == affinity) {
            gic.redistributor = at->gicr + offset;
            gic.own = gic.redistributor + GICR_FRAME;
            return true;
        }
        if (typer & GICR_TYPER_LAST)
            break;
        offset += (typer & GICR_TYPER_VLPIS ? 4 : 2) * GICR_FRAME;
    }
    return false;
}

static bool wake_redistributor(void)
{
    uint64_t waker = gic.redistributor + GICR_WAKER;
    mmio_write32(waker, mmio_read32(waker) & ~WAKER_SLEEP);
    return wait_clear(waker, WAKER_ASLEEP);
}

static bool init_v3(const struct board *at, struct refusal *refusal)
{
    sysreg_write(icc_sre_el2, SRE_EL2);
    arm64_isb();
    if ((sysreg_read(icc_sre_el2) & SRE_SRE) == 0)
        return REFUSAL(refusal, "the firmware keeps the GICv3's system registers from EL2 (ICC_SRE_EL3)");
    if (!find_redistributor(at))
        return REFUSAL(refusal, "no redistributor at %#lx is that of this CPU, MPIDR %#lx", at->gicr,
                       sysreg_read(mpidr_el1));
    if (!wake_redistributor())
        return REFUSAL(refusal, "the GIC's redistributor at %#lx does not wake up", gic.redistributor);

    mmio_write32(gic.distributor + GICD_CTLR, CTLR_V3_ARE);
    silence_spis();
    silence(gic.own, 0);
    mmio_write32(gic.distributor + GICD_CTLR, CTLR_V3_ARE | CTLR_V3_GROUP1);
    if (!wait_clear(gic.distributor + GICD_CTLR, CTLR_V3_RWP) ||
        !wait_clear(gic.redistributor + GICR_CTLR, GICR_CTLR_RWP))
        return REFUSAL(refusal, "the GIC's distributor at %#lx does not take what is written", gic.distributor);

    sysreg_write(icc_ctlr_el1, ICC_CTLR_EOIMODE);
    sysreg_write(icc_pmr_el1, 0xff);
    sysreg_write(icc_bpr1_el1, 0);
    sysreg_write(icc_igrpen1_el1, 1);
    arm64_isb();
    return true;
}

// --- version 2 ------------------------------------------------------------------------------------------------------

static bool init_v2(const struct board *at, struct refusal *refusal)
{
    if (at->gicc == 0 || at->gich == 0 || at->gicv == 0)
        return REFUSAL(refusal, "the GICv2 of this host has no virtual CPU interface in the device tree");
    gic.cpu_interface = at->gicc;
    gic.gich = at->gich;
    gic.gicv = at->gicv;
    gic.own = gic.distributor;
    mmio_write32(gic.distributor + GICD_CTLR, 0);
    silence_spis();
    silence(gic.own, 0);
    mmio_write32(gic.distributor + GICD_CTLR, CTLR_V2_ENABLE);
    mmio_write32(gic.cpu_interface + GICC_PMR, 0xff);
    mmio_write32(gic.cpu_interface + GICC_BPR, 0);
    mmio_write32(gic.cpu_interface + GICC_CTLR, GICC_ENABLE | GICC_EOIMODE);
    return true;
}

// --------------------------------------------------------------------------------------------------------------------

static bool is_ppi(unsigned intid)
{
    return intid >= 16 && intid < 32;
}

bool hostgic_init(const struct board *at, struct refusal *refusal)
{
    if (at->gic_version == 0 || at->gicd == 0)
        return REFUSAL(refusal, "no GIC in the device tree: the monitor needs a GICv2 or a GICv3");
    if (at->gic_version != 2 && at->gic_version != 3)
        return REFUSAL(refusal, "the GIC is of version %u: the monitor needs a GICv2 or a GICv3", at->gic_version);
    if (!is_ppi(at->timer_el2_intid) || !is_ppi(at->timer_virtual_intid) || !is_ppi(at->maintenance_intid))
        return REFUSAL(refusal, "the device tree has no private interrupts for the hypervisor's timer (%u), the "
                                "virtual timer (%u) and the GIC's maintenance (%u)", at->timer_el2_intid,
                       at->timer_virtual_intid, at->maintenance_intid);
    gic.version = at->gic_version;
    gic.distributor = at->gicd;
    if (!(gic.version == 3 ? init_v3(at, refusal) : init_v2(at, refusal)))
        return false;
    hostgic_enable_ppi(at->timer_el2_intid);
    hostgic_enable_ppi(at->timer_virtual_intid);
    hostgic_enable_ppi(at->maintenance_intid);
    return true;
}

unsigned hostgic_version(void)
{
    return gic.version;
}

uint64_t hostgic_gich(void)
{
    return gic.gich;
}

uint64_t hostgic_gicv_page(void)
{
    return gic.gicv;
}

unsigned hostgic_acknowledge(void)
{
    if (gic.version == 3)
        return (unsigned)sysreg_read(icc_iar1_el1);
    return mmio_read32(gic.cpu_interface + GICC_IAR) & INTID_MASK;
}

void hostgic_drop(unsigned intid)
{
    if (gic.version == 3)
        sysreg_write(icc_eoir1_el1, intid);
    else
        mmio_write32(gic.cpu_interface + GICC_EOIR, intid);
}

void hostgic_deactivate(unsigned intid)
{
    mmio_write32(gic.own + GIC_ICACTIVER, UINT32_C(1) << (intid & 31));
}

void hostgic_activate(unsigned intid)
{
    mmio_write32(gic.own + GIC_ISACTIVER, UINT32_C(1) << (intid & 31));
}

// Level-sensitive, as all that the monitor asks for are.
void hostgic_enable_ppi(unsigned intid)
{
    uint64_t config = gic.own + GIC_ICFGR + 4;
    mmio_write32(config, mmio_read32(config) & ~(UINT32_C(3) << (2 * (intid & 15))));
    mmio_write32(gic.own + GIC_ISENABLER, UINT32_C(1) << (intid & 31));
}
