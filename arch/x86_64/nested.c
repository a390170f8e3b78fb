// SPDX-License-Identifier: MIT
// Nested page tables: the guest's RAM, starting at guest-physical 0, and nothing else. Whatever is not RAM faults, and
// the fault is the device access. Four levels. AMD takes the processor's own long-mode format (APM 2, 15.25.5), with
// the user bit, because nested accesses count as user accesses; Intel's EPT (SDM 3C 28.2.2) has read, write and execute
// in the same three bits, the same bit for a large page, and in a leaf the memory type besides, which the vendor names.
// Built once per VM, never changed while it runs.
#include <string.h>

#include "arch/x86_64/vendor.h"
#include "vmm/alloc.h"

#define NESTED_PRESENT UINT64_C(0x001) // EPT: readable
#define NESTED_ALL     UINT64_C(0x007) // present, writable, user; EPT: read, write, execute
#define NESTED_LARGE   UINT64_C(0x080)
#define NESTED_ADDRESS UINT64_C(0x000ffffffffff000)
#define LARGE_PAGE     (2 * MIB)
#define LEAF_LEVEL     1 // level 1 entries map 4 KiB, level 2 entries 2 MiB

static uint64_t *table_at(uint64_t entry)
{
    return (uint64_t *)(entry & NESTED_ADDRESS);
}

static hpa new_table(void)
{
    hpa page = alloc_pages(1, 1);
    if (page.value != 0)
        memset((void *)page.value, 0, PAGE_SIZE);
    return page;
}

// The entry for guest-physical `address` at `level`, with the tables above it made as needed; null when out of memory.
static uint64_t *entry_for(hpa root, uint64_t address, unsigned level)
{
    uint64_t *table = (uint64_t *)root.value;
    for (unsigned at = 4;; at--) {
        uint64_t *entry = &table[(address >> (12 + 9 * (at - 1))) & 511];
        if (at == level)
            return entry;
        if ((*entry & NESTED_PRESENT) == 0) {
            hpa next = new_table();
            if (next.value == 0)
                return NULL;
            *entry = next.value | NESTED_ALL;
        }
        table = table_at(*entry);
    }
}

static void free_level(uint64_t *table, unsigned level)
{
    for (unsigned i = 0; level > LEAF_LEVEL && i < 512; i++) {
        if ((table[i] & (NESTED_PRESENT | NESTED_LARGE)) == NESTED_PRESENT)
            free_level(table_at(table[i]), level - 1);
    }
    free_pages((hpa){ (uintptr_t)table }, 1);
}

void nested_free(hpa root)
{
    if (root.value != 0)
        free_level((uint64_t *)root.value, 4);
}

bool nested_build(struct guest_ram ram, hpa *root)
{
    *root = new_table();
    if (root->value == 0)
        return false;
    uint64_t host = (uintptr_t)ram.host;
    for (uint64_t address = 0; address < ram.size;) {
        bool aligned = address % LARGE_PAGE == 0 && (host + address) % LARGE_PAGE == 0;
        bool large = aligned && ram.size - address >= LARGE_PAGE;
        uint64_t *entry = entry_for(*root, address, large ? LEAF_LEVEL + 1 : LEAF_LEVEL);
        if (entry == NULL) {
            nested_free(*root);
            return false;
        }
        *entry = (host + address) | NESTED_ALL | vendor->nested_leaf | (large ? NESTED_LARGE : 0);
        address += large ? LARGE_PAGE : PAGE_SIZE;
    }
    return true;
}
