// SPDX-License-Identifier: MIT
// What a kernel that is entered in 64-bit mode finds: page tables, a stack and a GDT in guest memory. Pure.
#include "vmm/pc/kernels.h"

#include <string.h>

#define PTE_PRESENT_WRITE 3u        // SDM 3A 4.5: P, R/W
#define PTE_LARGE         (1u << 7) // PS: 2 MiB
#define LONG64_TABLES     6         // one PML4, one PDPT, four PDs: the first 4 GiB
#define LONG64_STACK      (4 * PAGE_SIZE)
#define LONG64_BYTES      (LONG64_TABLES * PAGE_SIZE + LONG64_STACK + sizeof(long64_gdt))

// SDM 3A 3.4.5: flat, at the selectors that Linux' boot protocol names: 0x10 code (64 bits), 0x18 data.
static const uint64_t long64_gdt[] = { 0, 0, UINT64_C(0x00af9b000000ffff), UINT64_C(0x00cf93000000ffff) };

// Page tables that map the first 4 GiB onto themselves in 2 MiB pages, a stack and a GDT; what ENTRY_LONG64 promises.
bool loader_enter_long64(struct loading *l, struct entry_state *out)
{
    uint64_t tables = loader_place(l, LONG64_BYTES, PAGE_SIZE, LOADER_OWN_LOW);

    if (tables == 0)
        return REFUSE(l, "no %lu KiB of guest memory are left for page tables; give the VM more (mem=)",
                      LONG64_BYTES / KIB);
    uint64_t *entry = (uint64_t *)(void *)loader_memory(l, tables, LONG64_BYTES);
    memset(entry, 0, LONG64_TABLES * PAGE_SIZE);
    entry[0] = (tables + PAGE_SIZE) | PTE_PRESENT_WRITE;
    for (uint64_t i = 0; i < 4; i++)
        entry[512 + i] = (tables + (2 + i) * PAGE_SIZE) | PTE_PRESENT_WRITE;
    for (uint64_t i = 0; i < UINT64_C(4) * 512; i++)
        entry[1024 + i] = (i * 2 * MIB) | PTE_PRESENT_WRITE | PTE_LARGE;
    out->mode = ENTRY_LONG64;
    out->cr3 = tables;
    out->rsp = tables + LONG64_TABLES * PAGE_SIZE + LONG64_STACK;
    out->gdt = out->rsp;
    out->gdt_limit = sizeof(long64_gdt) - 1;
    memcpy(loader_memory(l, out->gdt, sizeof(long64_gdt)), long64_gdt, sizeof(long64_gdt));
    return true;
}
