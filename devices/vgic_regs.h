// SPDX-License-Identifier: MIT
// What the files of the GIC share: see vgic.h. Nobody else includes this.
#ifndef DEVICES_VGIC_REGS_H
#define DEVICES_VGIC_REGS_H

#include "devices/vgic.h"

#define BANK_SPIS      VGIC_CPUS // index of the bank of the SPIs
#define SGIS           UINT32_C(0x0000ffff)
#define PRIORITY_MASK  0xf8u

// GICD_CTLR. In one security state bit 1 enables group 1 in both versions.
#define CONTROL_GROUP0 0x1u
#define CONTROL_GROUP1 0x2u
#define CONTROL_GROUPS (CONTROL_GROUP0 | CONTROL_GROUP1)

// An implementer of JEP106 code 0x43b, Arm, whose architecture this is; product 'E'. The peripheral identification of
// the same two offsets in every frame says which architecture.
#define VGIC_IIDR      UINT32_C(0x4500043b)

// Which list registers are to be changed, after whatever has happened to an interrupt.
void vgic_changed(struct vgic *v);

// The same, after a change of nothing but latches of this CPU's own interrupts.
void vgic_latched(struct vgic *v, unsigned cpu);

// Those of these interrupts that are active keep group and priority until they end: the CPU interface knows their end
// by what they were acknowledged with. What is written meanwhile goes to next_group1 and next_priority. And: those of
// them that have ended have the new ones now.
void vgic_defer(struct vgic_bank *bank, uint32_t bits);
void vgic_defer_no_more(struct vgic_bank *bank);

// The groups as they were written.
static inline uint32_t vgic_group1(const struct vgic_bank *bank)
{
    return (bank->group1 & ~bank->deferred) | (bank->next_group1 & bank->deferred);
}

// The registers that distributor and redistributor have in common (GICD_ and GICR_IGROUPR to ICFGR, offsets 0x80 to
// 0xcff without the targets): those of bank[0], interrupts 0..31, and bank[1], interrupts 32..63. Null: they are
// reserved here. False: the offset is none of these.
bool vgic_bank_access(struct vgic *v, struct vgic_bank *const bank[2], struct io_access *io);

// The identification registers from `first` to the end of the frame of `size` bytes; false: none of these. Read-only.
bool vgic_identification(const struct vgic *v, uint64_t size, struct io_access *io);

// Part of a 64-bit register at `offset` that this access, 4 or 8 bytes wide, reads or writes. False: not of this
// register.
static inline bool vgic_reaches64(const struct io_access *io, uint64_t offset)
{
    return (io->offset & ~UINT64_C(7)) == offset && (io->size == 4 || io->size == 8);
}

static inline uint64_t vgic_read64(const struct io_access *io, uint64_t value)
{
    return io->size == 8 ? value : (uint32_t)(value >> (io->offset & 4 ? 32 : 0));
}

static inline uint64_t vgic_merge64(const struct io_access *io, uint64_t old)
{
    if (io->size == 8)
        return io->value;
    unsigned shift = io->offset & 4 ? 32 : 0;
    return (old & ~(UINT64_C(0xffffffff) << shift)) | (io->value & 0xffffffff) << shift;
}

#endif
