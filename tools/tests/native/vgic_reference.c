// SPDX-License-Identifier: MIT
// See vgic_reference.h. Written from IHI 0069 and IHI 0048 without a look at devices/vgic*.c.
#include "tools/tests/native/vgic_reference.h"
#include <string.h>

struct interrupt {
    bool enabled, group1, edge, line, latched, active, targeted;
    unsigned priority; // 0..31
    uint64_t router;
};

static struct interrupt all[64];
static unsigned version;
static bool enable_group0, enable_group1;

void ref_vgic_start(unsigned of_version)
{
    memset(all, 0, sizeof(all));
    version = of_version;
    enable_group0 = enable_group1 = false;
    for (unsigned n = 0; n < 16; n++) {
        all[n].edge = true;
        all[n].enabled = version == 2;
    }
}

void ref_vgic_line(unsigned intid, bool level)
{
    struct interrupt *i = &all[intid];
    if (i->edge && level && !i->line)
        i->latched = true;
    i->line = level;
}

static bool is_pending(const struct interrupt *i)
{
    return i->edge ? i->latched : i->latched || i->line;
}

void ref_vgic_sgi(uint64_t value, bool group0_only)
{
    struct interrupt *i = &all[value >> 24 & 15];
    bool all_but_self = value >> 40 & 1, aff3 = value >> 48 & 255, aff2 = value >> 32 & 255, aff1 = value >> 16 & 255;
    bool range = value >> 44 & 15;
    if (!all_but_self && !aff3 && !aff2 && !aff1 && !range && value & 1 && !(group0_only && i->group1))
        i->latched = true;
}

// --- registers: one bit or field at a time --------------------------------------------------------------------------

static bool get_flag(const struct interrupt *i, unsigned reg)
{
    switch (reg) {
    case 0x080: return i->group1;
    case 0x100:
    case 0x180: return i->enabled;
    case 0x200:
    case 0x280: return is_pending(i);
    default: return i->active;
    }
}

static void set_flag(unsigned intid, unsigned reg, bool one)
{
    struct interrupt *i = &all[intid];
    bool sgi_of_v2 = version == 2 && intid < 16;
    if (reg == 0x080)
        i->group1 = one;
    if (!one)
        return;
    if (reg == 0x100 || (reg == 0x180 && !sgi_of_v2))
        i->enabled = reg == 0x100;
    if ((reg == 0x200 || reg == 0x280) && !sgi_of_v2)
        i->latched = reg == 0x200;
    if (reg == 0x300 || reg == 0x380)
        i->active = reg == 0x300;
}

// Which interrupts have their registers in this frame.
static bool here(enum ref_frame frame, uint64_t intid)
{
    if (frame == REF_REDISTRIBUTOR)
        return intid < 32;
    return intid < 64 && (version == 2 || intid >= 32);
}

static uint64_t read_flags(enum ref_frame frame, uint64_t offset)
{
    uint64_t value = 0, first = offset % 0x80 * 8;
    for (unsigned bit = 0; bit < 32; bit++)
        if (here(frame, first + bit) && get_flag(&all[first + bit], offset & 0xf80))
            value += UINT64_C(1) << bit;
    return value;
}

static void write_flags(enum ref_frame frame, uint64_t offset, uint64_t value)
{
    uint64_t first = offset % 0x80 * 8;
    for (unsigned bit = 0; bit < 32; bit++)
        if (here(frame, first + bit))
            set_flag((unsigned)first + bit, offset & 0xf80, value >> bit & 1);
}

static uint64_t read_config(enum ref_frame frame, uint64_t offset)
{
    uint64_t value = 0, first = (offset - 0xc00) * 4;
    for (unsigned field = 0; field < 16; field++)
        if (here(frame, first + field) && all[first + field].edge)
            value += UINT64_C(2) << 2 * field;
    return value;
}

static void write_config(enum ref_frame frame, uint64_t offset, uint64_t value)
{
    uint64_t first = (offset - 0xc00) * 4;
    for (unsigned field = 0; field < 16; field++)
        if (here(frame, first + field) && first >= 32)
            all[first + field].edge = value >> (2 * field + 1) & 1;
}

static bool is_target(enum ref_frame frame, uint64_t offset)
{
    return version == 2 && frame == REF_DISTRIBUTOR && offset >= 0x800 && offset < 0xc00 && here(frame, offset - 0x800);
}

static uint8_t read_byte(enum ref_frame frame, uint64_t offset)
{
    if (offset >= 0x400 && offset < 0x800 && here(frame, offset - 0x400))
        return (uint8_t)(all[offset - 0x400].priority * 8);
    if (is_target(frame, offset)) // the only CPU is the target of its own interrupts for good
        return offset - 0x800 < 32 || all[offset - 0x800].targeted;
    if (version == 2 && frame == REF_DISTRIBUTOR && offset >= 0xf10 && offset < 0xf30)
        return all[offset % 16].latched;
    return 0;
}

static void write_byte(enum ref_frame frame, uint64_t offset, uint8_t value)
{
    if (offset >= 0x400 && offset < 0x800 && here(frame, offset - 0x400))
        all[offset - 0x400].priority = value / 8;
    if (is_target(frame, offset))
        all[offset - 0x800].targeted = value & 1;
    if (version == 2 && frame == REF_DISTRIBUTOR && offset >= 0xf10 && offset < 0xf30 && value & 1)
        all[offset % 16].latched = offset >= 0xf20;
}

static bool is_bytes(uint64_t offset)
{
    return (offset >= 0x400 && offset < 0xc00) || (offset >= 0xf10 && offset < 0xf30);
}

static bool is_router(enum ref_frame frame, uint64_t offset)
{
    return version == 3 && frame == REF_DISTRIBUTOR && offset >= 0x6100 && offset < 0x6200;
}

static uint64_t read_word(enum ref_frame frame, uint64_t offset)
{
    if (offset >= 0x80 && offset < 0x400)
        return read_flags(frame, offset);
    if (offset >= 0xc00 && offset < 0xd00)
        return read_config(frame, offset);
    if (frame == REF_DISTRIBUTOR && offset == 0)
        return enable_group0 + 2u * enable_group1 + (version == 3 ? 0x50u : 0);
    if (frame == REF_DISTRIBUTOR && offset == 4)
        return version == 3 ? 1 + (9u << 19) : 1;
    return 0;
}

static void write_word(enum ref_frame frame, uint64_t offset, uint64_t value)
{
    if (offset >= 0x80 && offset < 0x400)
        write_flags(frame, offset, value);
    if (offset >= 0xc00 && offset < 0xd00)
        write_config(frame, offset, value);
    if (frame == REF_DISTRIBUTOR && offset == 0) {
        enable_group0 = value & 1;
        enable_group1 = value >> 1 & 1;
    }
    if (frame == REF_DISTRIBUTOR && version == 2 && offset == 0xf00) {
        unsigned filter = value >> 24 & 3;
        if (filter == 2 || (filter == 0 && value >> 16 & 1))
            all[value & 15].latched = true;
    }
}

uint64_t ref_vgic_read(enum ref_frame frame, uint64_t offset, unsigned size)
{
    if (is_router(frame, offset) && size >= 4) {
        uint64_t router = all[(offset - 0x6000) / 8].router;
        return size == 8 ? router : offset % 8 ? router >> 32 : router & UINT32_MAX;
    }
    if (is_bytes(offset) && (size == 1 || size == 4)) {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; i++)
            value += (uint64_t)read_byte(frame, offset + i) << 8 * i;
        return value;
    }
    return size == 4 ? read_word(frame, offset) : 0;
}

void ref_vgic_write(enum ref_frame frame, uint64_t offset, unsigned size, uint64_t value)
{
    if (is_router(frame, offset) && size >= 4) {
        uint64_t *router = &all[(offset - 0x6000) / 8].router;
        if (offset % 8 == 0) // the upper half is Aff3, which is 0 here
            *router = value & 0x80ffffff;
    } else if (is_bytes(offset) && (size == 1 || size == 4)) {
        for (unsigned i = 0; i < size; i++)
            write_byte(frame, offset + i, (uint8_t)(value >> 8 * i));
    } else if (size == 4) {
        write_word(frame, offset, value);
    }
}

// --- the CPU interface ----------------------------------------------------------------------------------------------

unsigned ref_vgic_highest(unsigned priority)
{
    unsigned best = REF_NONE;
    for (unsigned n = 0; n < 64; n++) {
        const struct interrupt *i = &all[n];
        bool routed = i->router >> 31 & 1 || i->router == 0;
        bool group = i->group1 ? enable_group1 : enable_group0;
        if (!is_pending(i) || i->active || !i->enabled || !group || !routed || i->priority * 8 >= priority)
            continue;
        priority = i->priority * 8;
        best = n;
    }
    return best;
}

void ref_vgic_acknowledge(unsigned intid)
{
    all[intid].latched = false;
    all[intid].active = true;
}

void ref_vgic_end(unsigned intid)
{
    all[intid].active = false;
}

bool ref_vgic_is_active(unsigned intid)
{
    return all[intid].active;
}

unsigned ref_vgic_priority(unsigned intid)
{
    return all[intid].priority * 8;
}
