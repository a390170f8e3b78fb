// SPDX-License-Identifier: MIT
// Segment registers from descriptors (segment.h). Called by mmio_system.c and access.c.
#include "arch/x86_64/insn/segment.h"

#define TYPE_CODE       0x8u
#define TYPE_CONFORMING 0x4u // of code; of data that it expands down
#define TYPE_WRITABLE   0x2u // of data; of code readable
#define TYPE_OF_USER    0x10u // S: code or data
#define TYPE_TSS32      0x9u // in long mode of 64 bits
#define TYPE_TSS16      0x1u

enum { NOT_PRESENT = 11, STACK_FAULT = 12, GENERAL_PROTECTION = 13 };

static bool may_be_data(unsigned type, unsigned rpl, unsigned dpl, unsigned cpl)
{
    bool code = (type & TYPE_CODE) != 0;
    if (code && (type & TYPE_WRITABLE) == 0)
        return false;
    return (code && (type & TYPE_CONFORMING) != 0) || (rpl <= dpl && cpl <= dpl);
}

static bool may_be_code(uint64_t descriptor, unsigned type, unsigned rpl, unsigned dpl, struct segment_rights rights)
{
    bool both_widths = rights.long_mode && (descriptor >> 53 & 3) == 3;
    if ((type & TYPE_CODE) == 0 || both_widths)
        return false;
    return (type & TYPE_CONFORMING) != 0 ? dpl <= rights.cpl : rpl <= rights.cpl && dpl == rights.cpl;
}

unsigned segment_refused(enum segment_use use, uint16_t selector, uint64_t descriptor, struct segment_rights rights)
{
    unsigned type = descriptor >> 40 & 15, dpl = descriptor >> 45 & 3, rpl = selector & 3u, cpl = rights.cpl;
    bool system = (descriptor >> 44 & 1) == 0, allowed = !system;

    switch (use) {
    case SEGMENT_DATA: allowed = allowed && may_be_data(type, rpl, dpl, cpl); break;
    case SEGMENT_STACK:
        allowed = allowed && (type & (TYPE_CODE | TYPE_WRITABLE)) == TYPE_WRITABLE && rpl == cpl && dpl == cpl;
        break;
    case SEGMENT_CODE: allowed = allowed && may_be_code(descriptor, type, rpl, dpl, rights); break;
    case SEGMENT_TASK:
        allowed = system && (selector & 4) == 0 && (type == TYPE_TSS32 || (type == TYPE_TSS16 && !rights.long_mode));
        break;
    }
    if (!allowed)
        return GENERAL_PROTECTION;
    if ((descriptor >> 47 & 1) != 0)
        return 0;
    return use == SEGMENT_STACK ? STACK_FAULT : NOT_PRESENT;
}

// SDM 3A 3.5: call gates, and without long mode tasks, their gates and 16-bit call gates.
bool segment_is_gate(uint64_t descriptor, bool long_mode)
{
    unsigned type = descriptor >> 40 & 31; // with S
    if (long_mode)
        return type == 12;
    return type == 1 || type == 4 || type == 5 || type == 9 || type == 12;
}

static bool rights_refuse(const struct guest_segment *segment, bool is_write)
{
    unsigned type = segment->attributes & SEGMENT_TYPE;
    bool null = (segment->selector & 0xfffc) == 0, system = (type & TYPE_OF_USER) == 0;
    if ((segment->attributes & SEGMENT_PRESENT) == 0 || null || system)
        return true;
    bool code = (type & TYPE_CODE) != 0;
    return is_write ? code || (type & TYPE_WRITABLE) == 0 : code && (type & TYPE_WRITABLE) == 0;
}

// SDM 3A 5.3: the limit is the last byte of one that grows up, the last before the first of one that expands down.
static bool limit_refuses(const struct guest_segment *segment, uint64_t offset, uint64_t last)
{
    unsigned type = segment->attributes & SEGMENT_TYPE;
    bool expands_down = (type & (TYPE_OF_USER | TYPE_CODE | TYPE_CONFORMING)) == (TYPE_OF_USER | TYPE_CONFORMING);
    uint64_t top = (segment->attributes & SEGMENT_BIG) != 0 ? UINT32_MAX : UINT16_MAX;
    if (expands_down)
        return offset <= segment->limit || last > top;
    return segment->limit != UINT32_MAX && last > segment->limit;
}

bool segment_access_refused(const struct guest_segment *segment, bool protected_mode, bool is_write, uint64_t offset,
                            uint64_t bytes)
{
    return (protected_mode && rights_refuse(segment, is_write)) || limit_refuses(segment, offset, offset + bytes - 1);
}

struct guest_segment segment_of(uint16_t selector, uint64_t descriptor, uint64_t high)
{
    uint32_t limit = (uint32_t)((descriptor & 0xFFFF) | (descriptor >> 32 & 0xF0000));
    bool by_pages = (descriptor >> 55 & 1) != 0;

    return (struct guest_segment){
        .selector = selector,
        .attributes = (uint16_t)((descriptor >> 40 & 0xFF) | (descriptor >> 44 & 0xF00)),
        .limit = by_pages ? limit << 12 | 0xFFF : limit,
        .base = (descriptor >> 16 & 0xFFFFFF) | (descriptor >> 32 & 0xFF000000) | high << 32,
    };
}
