// SPDX-License-Identifier: MIT
// The redistributors of a GICv3 (IHI 0069, 12.10 and 12.11): see vgic.h. Each CPU has two frames of 64 KiB, one for
// itself and one for its SGIs and PPIs; the next CPU's follow. No LPIs, so the first frame has little in it.
#include "devices/vgic_regs.h"

#define FRAME           0x10000u

#define GICR_IIDR       0x0004u
#define GICR_TYPER      0x0008u
#define GICR_WAKER      0x0014u

#define TYPER_LAST      (UINT64_C(1) << 4)
#define TYPER_CPU_SHIFT 8
#define TYPER_AFF_SHIFT 32

#define WAKER_SLEEP     0x2u // asked for
#define WAKER_ASLEEP    0x4u // and got

// Software goes from frame to frame until Last, and finds its own by the affinity in the upper half, which is the CPU's
// MPIDR.
static uint64_t type_register(const struct vgic *v, unsigned cpu)
{
    return (uint64_t)cpu << TYPER_AFF_SHIFT | (uint64_t)cpu << TYPER_CPU_SHIFT | (cpu + 1 == v->cpus ? TYPER_LAST : 0);
}

// GICR_WAKER: ProcessorSleep asks, ChildrenAsleep answers, here with the same write. A driver clears the first and
// waits for the second. Interrupts come to a CPU whose redistributor sleeps all the same.
static void access_cpu_frame(struct vgic *v, unsigned cpu, struct io_access *io)
{
    if (vgic_reaches64(io, GICR_TYPER)) {
        if (!io->is_write)
            io->value = vgic_read64(io, type_register(v, cpu));
        return;
    }
    if (io->size != 4)
        return;
    if (io->offset == GICR_WAKER && io->is_write)
        v->waker[cpu] = io->value & WAKER_SLEEP ? WAKER_SLEEP | WAKER_ASLEEP : 0;
    else if (io->offset == GICR_WAKER)
        io->value = v->waker[cpu];
    else if (io->offset == GICR_IIDR && !io->is_write)
        io->value = VGIC_IIDR;
}

// Two frames a CPU: the first is about the redistributor itself, the second has the CPU's SGIs and PPIs, at the offsets
// that they have in a distributor. Each ends with the identification.
static enum io_result vgicr_access(void *device, struct io_access *io, vtime_t now)
{
    struct vgic *v = device;
    (void)now;
    uint64_t cpu = io->offset / VGICR_SIZE;
    if (v->version != 3 || cpu >= v->cpus)
        return IO_UNCLAIMED;
    if (!io->is_write)
        io->value = 0;
    if (io->offset & (io->size - 1u))
        return IO_OK;

    struct io_access inside = *io;
    inside.offset %= FRAME;
    struct vgic_bank *const banks[2] = { &v->bank[cpu], NULL };
    bool interrupts = io->offset & FRAME;
    if (!vgic_identification(v, FRAME, &inside) && !(interrupts && vgic_bank_access(v, banks, &inside)) && !interrupts)
        access_cpu_frame(v, (unsigned)cpu, &inside);
    io->value = inside.value;
    return IO_OK;
}

const struct device_ops vgicr_ops = {
    .name = "vgicr",
    .access = vgicr_access,
};
