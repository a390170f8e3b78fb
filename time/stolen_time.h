// SPDX-License-Identifier: MIT
// The structure in which an arm64 guest finds how long its vCPU was runnable and did not run (Arm DEN0057A, "Stolen
// time"). One field changes, so there is no version as in time/steal.h: a single 64-bit store is always whole.
#ifndef TIME_STOLEN_TIME_H
#define TIME_STOLEN_TIME_H

#include "time/units.h"

// 64 bytes, 64-byte aligned, little endian.
struct stolen_page {
    uint32_t revision;   // 0
    uint32_t attributes; // 0
    uint64_t stolen_ns;
    uint8_t  pad[48];
};
_Static_assert(sizeof(struct stolen_page) == 64, "DEN0057A: the structure's size");
_Static_assert(offsetof(struct stolen_page, stolen_ns) == 8, "DEN0057A: where stolen_time is");

// Stolen time counts from the guest's first question on.
struct stolen_time {
    uint64_t base_cycles; // of the ledger's S account, when the guest asked first
    uint64_t seen_cycles; // at the last writing
    bool     wanted;      // the guest has asked
    uint8_t  reserved[7];
};

// The guest asks where its structure is. Only the first time begins anything: what it shows never goes back.
void stolen_time_wanted(struct stolen_time *st, uint64_t stolen_cycles);

// Writes what was stolen so far, rounded down; stolen_cycles only grows, hz is not 0.
void stolen_time_write(struct stolen_time *st, struct stolen_page *page, uint64_t stolen_cycles, uint64_t hz);

// Is there anything to write? Asked at every entry.
static inline bool stolen_time_changed(const struct stolen_time *st, uint64_t stolen_cycles)
{
    return __builtin_expect(st->seen_cycles != stolen_cycles, 0) && st->wanted;
}

#endif
