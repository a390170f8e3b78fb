// SPDX-License-Identifier: MIT
// The registers with a field for each interrupt, as the distributor has them for SPIs and, in a GICv2, for the CPU that
// makes the access; the redistributor for those of its CPU (IHI 0069, 12.9 and 12.11; IHI 0048, 4.3). Called by vgicd.c
// and vgicr.c.
#include "devices/vgic_regs.h"

// One bit each: 32 registers of 32 interrupts in 0x80 bytes, by their number.
enum {
    IGROUPR = 1,
    ISENABLER,
    ICENABLER,
    ISPENDR,
    ICPENDR,
    ISACTIVER,
    ICACTIVER,
    BIT_REGISTERS,
};

#define IPRIORITYR      0x400u // a byte each
#define IPRIORITYR_END  0x800u
#define ICFGR           0xc00u // two bits each, the upper one is set for edge-triggered
#define ICFGR_END       0xd00u

// Where the identification begins, from the end of the frame: PIDR4 to 7, 0 to 3, CIDR0 to 3.
#define IDENTIFICATION  0x30u

// A register that sets and the one that clears read the same. What is pending includes the levels that are high,
// whatever was written.
static uint32_t read_bits(const struct vgic_bank *bank, uint64_t which)
{
    switch (which) {
    case IGROUPR: return vgic_group1(bank);
    case ISENABLER:
    case ICENABLER: return bank->enabled;
    case ISPENDR:
    case ICPENDR: return bank->latch | (bank->level & ~bank->edge);
    default: return bank->active;
    }
}

// What changes is deferred where the interrupt is active; the rest has its group at once.
static void write_groups(struct vgic_bank *bank, uint32_t bits)
{
    vgic_defer(bank, bank->group1 ^ bits);
    bank->next_group1 = bits;
    bank->group1 = (bits & ~bank->deferred) | (bank->group1 & bank->deferred);
}

// `fixed` are the SGIs of a GICv2: always enabled, and pending by GICD_SGIR and the bytes after it alone (IHI 0048,
// 4.3.5, 4.3.7). Active bits are written by a hypervisor's or firmware's save and restore. ICPENDR cannot clear a
// level: the input still says it.
static void write_bits(struct vgic_bank *bank, uint64_t which, uint32_t bits, uint32_t fixed)
{
    switch (which) {
    case IGROUPR: write_groups(bank, bits); break;
    case ISENABLER: bank->enabled |= bits; break;
    case ICENABLER: bank->enabled &= ~(bits & ~fixed); break;
    case ISPENDR: bank->latch |= bits & ~fixed; break;
    case ICPENDR: bank->latch &= ~(bits & ~fixed); break;
    case ISACTIVER: bank->active |= bits; break;
    default: bank->active &= ~bits; break;
    }
    vgic_defer_no_more(bank);
}

// Sixteen interrupts a register, so two of them a bank. The lower bit of a pair is reserved.
static uint32_t read_config(const struct vgic_bank *bank, unsigned half)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        value |= (bank->edge >> (16 * half + i) & 1) << (2 * i + 1);
    return value;
}

// An interrupt that is pending by its latch stays so in the other mode; a level that is high is no edge.
static void write_config(struct vgic_bank *bank, unsigned half, uint32_t value)
{
    for (unsigned i = 0; i < 16; i++) {
        uint32_t bit = UINT32_C(1) << (16 * half + i);
        bank->edge = value >> (2 * i + 1) & 1 ? bank->edge | bit : bank->edge & ~bit;
    }
}

// For every register of this kind the distance to the next is 80h, room for 1024 interrupts.
static void access_bits(struct vgic *v, struct vgic_bank *bank, struct io_access *io)
{
    uint64_t which = io->offset / 0x80;
    bool private = bank != &v->bank[BANK_SPIS];
    if (io->is_write)
        write_bits(bank, which, (uint32_t)io->value, private && v->version == 2 ? SGIS : 0);
    else
        io->value = read_bits(bank, which);
}

// The same value again defers nothing, so that a guest that sets all priorities anew does not notice.
static void write_priority(struct vgic_bank *bank, unsigned index, uint8_t priority)
{
    if (priority != bank->priority[index])
        vgic_defer(bank, UINT32_C(1) << index);
    (bank->deferred >> index & 1 ? bank->next_priority : bank->priority)[index] = priority;
}

// Byte-accessible, as the manual has it, so a CPU sets one without touching three others. The low bits that are not
// implemented read as 0.
static void access_priorities(struct vgic_bank *bank, struct io_access *io)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < io->size; i++) {
        unsigned index = (io->offset + i) & 31;
        if (io->is_write)
            write_priority(bank, index, (uint8_t)(io->value >> (8 * i)) & PRIORITY_MASK);
        value |= (uint64_t)(bank->deferred >> index & 1 ? bank->next_priority : bank->priority)[index] << (8 * i);
    }
    if (!io->is_write)
        io->value = value;
}

// SGIs are edges, and PPIs levels here: only the SPIs' can be written.
static void access_config(struct vgic *v, struct vgic_bank *bank, struct io_access *io)
{
    unsigned half = io->offset >> 2 & 1;
    if (!io->is_write)
        io->value = read_config(bank, half);
    else if (bank == &v->bank[BANK_SPIS])
        write_config(bank, half, (uint32_t)io->value);
}

// Which bank, then which kind. The map has room for 1020 interrupts; of those that are not here, and of the first 32
// where affinity routing has moved them to the redistributor, reads give 0 and writes are lost.
bool vgic_bank_access(struct vgic *v, struct vgic_bank *const bank[2], struct io_access *io)
{
    uint64_t offset = io->offset, number;
    bool bits = offset >= IGROUPR * 0x80 && offset < BIT_REGISTERS * 0x80;
    bool priorities = offset >= IPRIORITYR && offset < IPRIORITYR_END;
    if (bits)
        number = (offset & 0x7f) / 4;
    else if (priorities)
        number = (offset - IPRIORITYR) / 32;
    else if (offset >= ICFGR && offset < ICFGR_END)
        number = (offset - ICFGR) / 8;
    else
        return false;

    if (number > 1 || bank[number] == NULL || !(io->size == 4 || (priorities && io->size == 1)))
        return true;
    if (bits)
        access_bits(v, bank[number], io);
    else if (priorities)
        access_priorities(bank[number], io);
    else
        access_config(v, bank[number], io);
    if (io->is_write) {
        v->deferring |= bank[number]->deferred;
        vgic_changed(v);
    }
    return true;
}

// CoreSight's, as Arm's own GICs have them; PIDR2 has the architecture's version in its upper half.
bool vgic_identification(const struct vgic *v, uint64_t size, struct io_access *io)
{
    static const uint8_t registers[IDENTIFICATION / 4] = { 0x44, 0, 0, 0, 0x92, 0xb4, 0x0b, 0, 0x0d, 0xf0, 0x05, 0xb1 };
    uint64_t first = size - IDENTIFICATION;
    if (io->offset < first || io->offset >= size)
        return false;
    uint64_t index = (io->offset - first) / 4;
    if (!io->is_write && io->size == 4)
        io->value = registers[index] | (index == 6 ? v->version << 4 : 0);
    return true;
}
