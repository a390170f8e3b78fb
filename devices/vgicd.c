// SPDX-License-Identifier: MIT
// The GIC's distributor (IHI 0069, 12.9; IHI 0048, 4.3): see vgic.h. With affinity routing, which a GICv3 here has for
// good, the registers of SGIs and PPIs are those of the redistributors and reserved in this frame.
#include "devices/vgic_regs.h"

#define GICD_CTLR       0x0000u
#define GICD_TYPER      0x0004u
#define GICD_IIDR       0x0008u
#define GICD_INTERRUPTS 0x0080u // from here on there is something for each interrupt
#define GICD_ITARGETSR  0x0800u // version 2 only, a byte each
#define GICD_ITARGETSR_END 0x0840u // those of all interrupts here
#define GICD_SGIR       0x0f00u // version 2 only, and the bytes that follow
#define GICD_CPENDSGIR  0x0f10u
#define GICD_SPENDSGIR  0x0f20u
#define GICD_SGI_END    0x0f30u
#define GICD_IROUTER    0x6000u // version 3 only, from interrupt 0 on
#define GICD_V2_SIZE    0x1000u

// GICD_CTLR, version 3.
#define CTLR_ARE        0x10u
#define CTLR_DS         0x40u

// GICD_TYPER: 32 * (1 + 1) interrupts. Version 2: CPUs less one. Version 3: ten bits of INTID, less one; no LPIs, no
// message-signalled SPIs, no affinity level 3.
#define TYPER_LINES     (VGIC_INTIDS / 32 - 1)
#define TYPER_CPU_SHIFT 5
#define TYPER_IDBITS    (UINT32_C(9) << 19)

#define IROUTER_ANY     (UINT64_C(1) << 31)
#define IROUTER_BITS    (UINT64_C(0x00ffffff) | IROUTER_ANY) // Aff3 is 0: GICD_TYPER.A3V

#define SGIR_INTID      0xfu
#define SGIR_CPU0       (UINT64_C(1) << 16)
#define SGIR_FILTER(value) ((value) >> 24 & 3)

// A write has its effect at once, so RWP of version 3, which says that one is still on its way, is always 0.
static uint32_t read_control(const struct vgic *v)
{
    return v->control | (v->version == 3 ? CTLR_ARE | CTLR_DS : 0);
}

// One security state: SecurityExtn is clear.
static uint32_t type_register(const struct vgic *v)
{
    return TYPER_LINES | (v->version == 3 ? TYPER_IDBITS : (v->cpus - 1) << TYPER_CPU_SHIFT);
}

// The registers about the distributor as a whole. Writes of those that are read-only are lost.
static void access_first(struct vgic *v, struct io_access *io)
{
    if (io->size != 4)
        return;
    if (io->is_write && io->offset == GICD_CTLR) {
        v->control = (uint32_t)io->value & CONTROL_GROUPS;
        vgic_changed(v);
    }
    if (io->is_write)
        return;
    switch (io->offset) {
    case GICD_CTLR: io->value = read_control(v); break;
    case GICD_TYPER: io->value = type_register(v); break;
    case GICD_IIDR: io->value = VGIC_IIDR; break;
    default: break;
    }
}

// Version 2, IHI 0048 4.3.15. With one CPU the list of targets names CPU 0, or it is the sender.
static void write_sgir(struct vgic *v, uint64_t value)
{
    uint64_t filter = SGIR_FILTER(value);
    if (filter == 2 || (filter == 0 && value & SGIR_CPU0))
        v->bank[0].latch |= UINT32_C(1) << (value & SGIR_INTID);
}

// GICD_CPENDSGIR and GICD_SPENDSGIR: a byte for each SGI, a bit in it for each CPU that may have sent it.
static void access_sgi_bytes(struct vgic_bank *bank, struct io_access *io)
{
    for (unsigned i = 0; i < io->size; i++) {
        unsigned shift = (io->offset + i) & 15;
        if (!io->is_write)
            io->value |= (uint64_t)(bank->latch >> shift & 1) << (8 * i);
        else if (io->value >> (8 * i) & 1 && io->offset >= GICD_SPENDSGIR)
            bank->latch |= UINT32_C(1) << shift;
        else if (io->value >> (8 * i) & 1)
            bank->latch &= ~(UINT32_C(1) << shift);
    }
}

// The only CPU may be in an SPI's list or not, and gets it in any case; of its own interrupts it is the target for
// good.
static void access_targets(struct vgic *v, struct io_access *io)
{
    uint64_t first = io->offset - GICD_ITARGETSR;
    if (io->size != 1 && io->size != 4)
        return;
    for (unsigned i = 0; i < io->size; i++) {
        uint32_t bit = first + i >= VGIC_FIRST_SPI ? UINT32_C(1) << (first + i - VGIC_FIRST_SPI) : 0;
        bool named = io->value >> (8 * i) & 1;
        if (io->is_write)
            v->targeted = named ? v->targeted | bit : v->targeted & ~bit;
        else
            io->value |= (uint64_t)(bit == 0 || (v->targeted & bit) != 0) << (8 * i);
    }
}

// GICD_SGIR is write-only. Its like in a GICv3 is ICC_SGI1R, a register of the CPU's, which needs no address.
static void access_sgis(struct vgic *v, struct io_access *io)
{
    if (io->offset >= GICD_CPENDSGIR && (io->size == 1 || io->size == 4))
        access_sgi_bytes(&v->bank[0], io);
    else if (io->offset == GICD_SGIR && io->size == 4 && io->is_write)
        write_sgir(v, io->value);
    if (io->is_write)
        vgic_latched(v, 0);
}

// Version 3, 12.9.22: an SPI goes to the CPU with this affinity, or to any. One that names nobody goes nowhere.
static void access_router(struct vgic *v, struct io_access *io)
{
    uint64_t spi = (io->offset - GICD_IROUTER) / 8 - VGIC_FIRST_SPI;
    if (!vgic_reaches64(io, io->offset & ~UINT64_C(7)))
        return;
    if (!io->is_write) {
        io->value = vgic_read64(io, v->router[spi]);
        return;
    }
    // 64 bits, which a guest may write by halves
    uint64_t router = vgic_merge64(io, v->router[spi]) & IROUTER_BITS;
    v->router[spi] = router;
    for (unsigned cpu = 0; cpu < v->cpus; cpu++) {
        bool here = router & IROUTER_ANY ? cpu == 0 : router == cpu;
        v->routed[cpu] = (v->routed[cpu] & ~(UINT32_C(1) << spi)) | (uint32_t)here << spi;
    }
    vgic_changed(v);
}

// The first 32 have no router: they belong to a CPU already.
static bool is_router(const struct vgic *v, uint64_t offset)
{
    return v->version == 3 && offset >= GICD_IROUTER + 8 * VGIC_FIRST_SPI && offset < GICD_IROUTER + 8 * VGIC_INTIDS;
}

// Apart from the settings of the whole, which are read the most.
static __attribute__((noinline)) void access_interrupts(struct vgic *v, uint64_t size, struct io_access *io)
{
    struct vgic_bank *const banks[2] = { v->version == 2 ? &v->bank[0] : NULL, &v->bank[BANK_SPIS] };
    if (vgic_bank_access(v, banks, io) || vgic_identification(v, size, io))
        return;
    if (is_router(v, io->offset))
        access_router(v, io);
    else if (v->version == 2 && io->offset >= GICD_ITARGETSR && io->offset < GICD_ITARGETSR_END)
        access_targets(v, io);
    else if (v->version == 2 && io->offset >= GICD_SGIR && io->offset < GICD_SGI_END)
        access_sgis(v, io);
}

// An access that is not aligned to its own width is none: 0, or lost.
static enum io_result vgicd_access(void *device, struct io_access *io, vtime_t now)
{
    struct vgic *v = device;
    (void)now;
    uint64_t size = v->version == 3 ? VGICD_SIZE : GICD_V2_SIZE;
    if (io->offset >= size)
        return IO_UNCLAIMED;
    if (!io->is_write)
        io->value = 0;
    if (io->offset & (io->size - 1u))
        return IO_OK;

    if (io->offset < GICD_INTERRUPTS)
        access_first(v, io);
    else
        access_interrupts(v, size, io);
    return IO_OK;
}

const struct device_ops vgicd_ops = {
    .name = "vgicd",
    .access = vgicd_access,
};
