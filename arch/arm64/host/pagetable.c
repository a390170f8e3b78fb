// SPDX-License-Identifier: MIT
// Trees of translation tables: see pagetable.h. Called in a VM's life, never while its guest runs.
#include "arch/arm64/host/pagetable.h"

#include "vmm/base/alloc.h"

#define ENTRIES 512

static unsigned shift_of(unsigned level)
{
    return 12 + 9 * (PAGETABLE_LEAF_LEVEL - level);
}

uint64_t *pagetable_entry(struct pagetable from, uint64_t address, unsigned level)
{
    uint64_t *table = (uint64_t *)from.table.value;
    for (unsigned at = from.level;; at++) {
        uint64_t *entry = &table[address >> shift_of(at) & (ENTRIES - 1)];
        if (at == level)
            return entry;
        if ((*entry & PTE_VALID) == 0) {
            hpa next = alloc_clear_page();
            if (next.value == 0)
                return NULL;
            *entry = next.value | PTE_TABLE | PTE_VALID;
        }
        table = (uint64_t *)(*entry & PAGETABLE_ADDRESS);
    }
}

bool pagetable_map_one(struct pagetable from, uint64_t address, hpa start, unsigned level, uint64_t bits)
{
    uint64_t *entry = pagetable_entry(from, address, level);
    if (entry == NULL)
        return false;
    *entry = start.value | bits | (level == PAGETABLE_LEAF_LEVEL ? PTE_TABLE : 0) | PTE_VALID;
    return true;
}

bool pagetable_map(struct pagetable from, uint64_t address, hpa start, uint64_t size, uint64_t bits)
{
    for (uint64_t done = 0; done < size;) {
        bool aligned = ((address + done) | (start.value + done)) % PAGETABLE_BLOCK_BYTES == 0;
        bool block = aligned && size - done >= PAGETABLE_BLOCK_BYTES;
        unsigned level = block ? PAGETABLE_LEAF_LEVEL - 1 : PAGETABLE_LEAF_LEVEL;
        if (!pagetable_map_one(from, address + done, (hpa){ start.value + done }, level, bits))
            return false;
        done += block ? PAGETABLE_BLOCK_BYTES : PAGE_SIZE;
    }
    return true;
}

void pagetable_free(struct pagetable from)
{
    const uint64_t *entries = (const uint64_t *)from.table.value;
    for (unsigned i = 0; from.level < PAGETABLE_LEAF_LEVEL && i < ENTRIES; i++) {
        if ((entries[i] & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE))
            pagetable_free((struct pagetable){ { entries[i] & PAGETABLE_ADDRESS }, from.level + 1 });
    }
    free_pages(from.table, 1);
}
