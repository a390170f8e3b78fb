// SPDX-License-Identifier: MIT
// The clock page that a guest reads without a trap, KVM's and Xen's layout (Linux, pvclock-abi.h).
//
// Writer side: a scale computed from Hz, an anchor {tsc, ns} kept with 64 fraction bits, updates that start from the
// old page's own reading so that no reader sees a step, and the odd/even version protocol. Reader side: the loop a
// guest runs.
#ifndef TIME_PVCLOCK_H
#define TIME_PVCLOCK_H

#include "time/units.h"

#define PVCLOCK_TSC_STABLE    0x01u
#define PVCLOCK_GUEST_STOPPED 0x02u

// 32 bytes, little endian, never crosses a page.
struct pvclock_page {
    uint32_t version; // odd while being written
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time_ns;
    uint32_t tsc_to_system_mul;
    int8_t   tsc_shift;
    uint8_t  flags;
    uint8_t  pad[2];
};
_Static_assert(sizeof(struct pvclock_page) == 32, "pvclock-abi.h: struct pvclock_vcpu_time_info");

struct pvclock_wall {
    uint32_t version;
    uint32_t sec;
    uint32_t nsec;
};
_Static_assert(sizeof(struct pvclock_wall) == 12, "pvclock-abi.h: struct pvclock_wall_clock");

// What KVM_HC_CLOCK_PAIRING writes (hypercalls.rst): the wall clock and the guest's TSC at one instant.
struct pvclock_pairing {
    int64_t  sec, nsec;
    uint64_t tsc;
    uint32_t flags;
    uint32_t pad[9];
};
_Static_assert(sizeof(struct pvclock_pairing) == 64, "kvm_para.h: struct kvm_clock_pairing");

// The wall clock is wall_start_s, seconds since 1970 at V = 0, and V.
struct pvclock_pairing pvclock_pair(uint64_t wall_start_s, vtime_t now, uint64_t hz, uint64_t tsc);

struct pvclock_scale {
    uint32_t mul;
    int8_t   shift;
};

// The largest scale that is never fast: ns = ((delta << shift) * mul) >> 32, mul in [2^31, 2^32). Exact Hz in, not kHz.
// False (and *scale untouched) when hz is 0 or needs a shift outside [-31, 31].
bool pvclock_scale(uint64_t hz, struct pvclock_scale *scale);

// The anchor: at guest TSC `tsc` the clock shows ns + frac / 2^64 nanoseconds. The line is exact: a scale with
// shift -31 needs 63 fraction bits.
struct pvclock_anchor {
    uint64_t             tsc;
    uint64_t             ns;
    uint64_t             frac;
    struct pvclock_scale scale;
};

// Moves the anchor to guest TSC `tsc` (not before the anchor) along its own line, then adopts new_scale. Every later
// reading differs from the old line's by the new rate only: no step, the fraction is kept. With an unchanged scale of
// negative shift the anchor stops at the last whole step of 2^-shift cycles, at or before `tsc`.
void pvclock_reanchor(struct pvclock_anchor *anchor, uint64_t tsc, struct pvclock_scale new_scale);

// The page's three writing steps; the caller's memory barrier goes between them (x86 stores need only the compiler's).
// begin makes the version odd (also from an odd start), end makes it even. GUEST_STOPPED set by us or left unread by
// the guest is kept.
void pvclock_write_begin(struct pvclock_page *page);
void pvclock_write_body(struct pvclock_page *page, const struct pvclock_anchor *anchor, uint8_t flags);
void pvclock_write_end(struct pvclock_page *page);

// What a guest computes from a consistent page at guest TSC `tsc`. A tsc before the page's timestamp reads as the
// timestamp (the clock must never jump by centuries because another CPU's counter trails).
uint64_t pvclock_eval_ns(const struct pvclock_page *page, uint64_t tsc);

#endif
