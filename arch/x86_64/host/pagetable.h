// SPDX-License-Identifier: MIT
// Page tables of four levels as long mode has them (SDM 3A 4.5): the monitor's own, and the nested ones. Level 4 is the
// root; an entry of level 1 maps 4 KiB, one of level 2 that has the large bit 2 MiB.
#ifndef ARCH_X86_64_HOST_PAGETABLE_H
#define ARCH_X86_64_HOST_PAGETABLE_H

#include "vmm/base/types.h"

#define PAGETABLE_PRESENT UINT64_C(0x001) // EPT: readable
#define PAGETABLE_LARGE   UINT64_C(0x080)
#define PAGETABLE_ADDRESS UINT64_C(0x000ffffffffff000)
#define PAGETABLE_LARGE_BYTES (2 * MIB)

// What a tree's entries have besides the address: those that lead to tables, and those that map.
struct pagetable_bits {
    uint64_t table, leaf;
};

// The entry for `address` at `level`, with the tables above it made as needed; null when out of memory.
uint64_t *pagetable_entry(hpa root, uint64_t address, unsigned level, uint64_t table_bits);

// Maps [address, address + size) onto the frames at `start`, large pages where both sides allow them; all three are
// page aligned. False: out of memory, and what was mapped until then stays.
bool pagetable_map(hpa root, uint64_t address, hpa start, uint64_t size, struct pagetable_bits bits);

// Gives back a table of `level` and all that it leads to, not what it maps.
void pagetable_free(hpa table, unsigned level);

#endif
