// SPDX-License-Identifier: MIT
// Nested page tables: the guest's RAM, starting at guest-physical 0, and nothing else. Whatever is not RAM faults, and
// the fault is the device access. Four levels in the processor's own long-mode format (APM 2, 15.25.5); every entry has
// the user bit, because nested accesses count as user accesses. Built once per VM, never changed while it runs.
#include <string.h>

#include "arch/x86_64/vendor.h"
#include "vmm/alloc.h"

#define NPT_PRESENT  UINT64_C(0x001)
#define NPT_WRITABLE UINT64_C(0x002)
#define NPT_USER     UINT64_C(0x004)
#define NPT_LARGE    UINT64_C(0x080)
#define NPT_ALL      (NPT_PRESENT | NPT_WRITABLE | NPT_USER)
#define NPT_ADDRESS  UINT64_C(0x000ffffffffff000)
#define LARGE_PAGE   (2 * MIB)
#define LEAF_LEVEL   1 // level 1 entries map 4 KiB, level 2 entries 2 MiB

static uint64_t *table_at(uint64_t entry)
{
    return (uint64_t *)(entry & NPT_ADDRESS);
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
        if ((*entry & NPT_PRESENT) == 0) {
            hpa next = new_table();
            if (next.value == 0)
                return NULL;
            *entry = next.value | NPT_ALL;
        }
        table = table_at(*entry);
    }
}

static void free_level(uint64_t *table, unsigned level)
{
    for (unsigned i = 0; level > LEAF_LEVEL && i < 512; i++) {
        if ((table[i] & (NPT_PRESENT | NPT_LARGE)) == NPT_PRESENT)
            free_level(table_at(table[i]), level - 1);
    }
    free_pages((hpa){ (uintptr_t)table }, 1);
}

void npt_free(hpa root)
{
    if (root.value != 0)
        free_level((uint64_t *)root.value, 4);
}

bool npt_build(struct guest_ram ram, hpa *root)
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
            npt_free(*root);
            return false;
        }
        *entry = (host + address) | NPT_ALL | (large ? NPT_LARGE : 0);
        address += large ? LARGE_PAGE : PAGE_SIZE;
    }
    return true;
}
