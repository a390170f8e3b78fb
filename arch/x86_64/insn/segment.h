// SPDX-License-Identifier: MIT
// What a selector and its descriptor make of a segment register. Pure. SDM 3A 3.4, 5.5 to 5.8; APM 2, 4.7 and 4.8.
#ifndef ARCH_X86_64_INSN_SEGMENT_H
#define ARCH_X86_64_INSN_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

// As a VMCB keeps it; the attributes are bits 47:40 of the descriptor and, above them, bits 55:52.
struct guest_segment {
    uint16_t selector, attributes;
    uint32_t limit;
    uint64_t base;
};

#define SEGMENT_PRESENT    0x080u
#define SEGMENT_LONG       0x200u
#define SEGMENT_BIG        0x400u // of the stack, and of data that expands down
#define SEGMENT_ACCESSED   0x001u
#define SEGMENT_BUSY       0x002u // of a TSS
#define SEGMENT_TYPE       0x01fu // with S
#define SEGMENT_TASK16     0x003u // busy

enum segment_use { SEGMENT_DATA, SEGMENT_STACK, SEGMENT_CODE, SEGMENT_TASK };

struct segment_rights {
    unsigned cpl;
    bool     long_mode; // EFER.LMA
};

// The exception that the CPU raises, with the selector as its error code; 0 where the segment may be loaded. Of code,
// by a far jump. The selector is not null.
unsigned segment_refused(enum segment_use use, uint16_t selector, uint64_t descriptor, struct segment_rights rights);

// The descriptor is of a gate or a task, through which a far jump would go elsewhere.
bool segment_is_gate(uint64_t descriptor, bool long_mode);

// Is an access to [offset, offset + bytes) beyond the limit, or in protected mode, where rights count as well, not
// allowed by them? Outside of 64-bit mode; offsets have 32 bits, and a segment of 4 GiB may be left at its end.
bool segment_access_refused(const struct guest_segment *segment, bool protected_mode, bool is_write, uint64_t offset,
                            uint64_t bytes);

// `high` is the second half of a long mode TSS's, else 0.
struct guest_segment segment_of(uint16_t selector, uint64_t descriptor, uint64_t high);

#endif
