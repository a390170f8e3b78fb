// SPDX-License-Identifier: MIT
// Trees of page tables: see pagetable.h. Called at boot and in a VM's life, never while its guest runs.
#include "arch/x86_64/host/pagetable.h"

#include "vmm/base/alloc.h"

#define ROOT_LEVEL 4
#define LEAF_LEVEL 1
#define ENTRIES    512

uint64_t *pagetable_entry(hpa root, uint64_t address, unsigned level, uint64_t table_bits)
{
    uint64_t *table = (uint64_t *)root.value;
    for (unsigned at = ROOT_LEVEL;; at--) {
        uint64_t *entry = &table[(address >> (12 + 9 * (at - 1))) & (ENTRIES - 1)];
        if (at == level)
            return entry;
        if ((*entry & PAGETABLE_PRESENT) == 0) {
            hpa next = alloc_clear_page();
            if (next.value == 0)
                return NULL;
            *entry = next.value | table_bits;
        }
        table = (uint64_t *)(*entry & PAGETABLE_ADDRESS);
    }
}

bool pagetable_map(hpa root, uint64_t address, hpa start, uint64_t size, struct pagetable_bits bits)
{
    for (uint64_t done = 0; done < size;) {
        bool aligned = ((address + done) | (start.value + done)) % PAGETABLE_LARGE_BYTES == 0;
        bool large = aligned && size - done >= PAGETABLE_LARGE_BYTES;
        uint64_t *entry = pagetable_entry(root, address + done, large ? LEAF_LEVEL + 1 : LEAF_LEVEL, bits.table);
        if (entry == NULL)
            return false;
        *entry = (start.value + done) | bits.leaf | (large ? PAGETABLE_LARGE : 0);
        done += large ? PAGETABLE_LARGE_BYTES : PAGE_SIZE;
    }
    return true;
}

void pagetable_free(hpa table, unsigned level)
{
    const uint64_t *entries = (const uint64_t *)table.value;
    for (unsigned i = 0; level > LEAF_LEVEL && i < ENTRIES; i++) {
        if ((entries[i] & (PAGETABLE_PRESENT | PAGETABLE_LARGE)) == PAGETABLE_PRESENT)
            pagetable_free((hpa){ entries[i] & PAGETABLE_ADDRESS }, level - 1);
    }
    free_pages(table, 1);
}
