// SPDX-License-Identifier: MIT
// Translation tables of the 4 KiB granule (Arm ARM D8.3): stage 2, and what the monitor's own map has of guests. The
// root of 48 bits has level 0, one of 39 level 1; an entry of level 3 maps 4 KiB, a block of level 2 2 MiB.
#ifndef ARCH_ARM64_HOST_PAGETABLE_H
#define ARCH_ARM64_HOST_PAGETABLE_H

#include "arch/arm64/host/arm64.h"
#include "vmm/base/types.h"

#define PAGETABLE_LEAF_LEVEL  3u
#define PAGETABLE_ADDRESS     UINT64_C(0x0000fffffffff000)
#define PAGETABLE_BLOCK_BYTES (2 * MIB)

// A table and which level it is of.
struct pagetable {
    hpa      table;
    unsigned level;
};

// The entry for `address` at `level`, with the tables above it made as needed; null when out of memory.
uint64_t *pagetable_entry(struct pagetable from, uint64_t address, unsigned level);

// Maps one page or block of `level`; `bits` is what the entry has besides the address and its kind. False: out of
// memory.
bool pagetable_map_one(struct pagetable from, uint64_t address, hpa start, unsigned level, uint64_t bits);

// Maps [address, address + size) onto the frames at `start`, blocks of 2 MiB where both sides allow them; all three are
// page aligned. False: out of memory, and what was mapped until then stays.
bool pagetable_map(struct pagetable from, uint64_t address, hpa start, uint64_t size, uint64_t bits);

// Gives back the table and all that it leads to, not what it maps.
void pagetable_free(struct pagetable from);

#endif
