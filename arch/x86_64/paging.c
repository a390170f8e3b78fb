// SPDX-License-Identifier: MIT
// Builds the monitor's page tables once, at boot (SDM 3A 4.5): text RX, rodata R, everything else RW and never
// executable; 4 KiB pages where permissions or memory types meet, 2 MiB elsewhere. Called by boot/x86_64/main.c; nobody
// changes them later.
#include "arch/x86_64/paging.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/x86.h"
#include "boot/bootinfo.h"
#include "vmm/alloc.h"
#include "vmm/log.h"
#include "vmm/panic.h"

#include <string.h>

#define PAGE_PRESENT  UINT64_C(0x001)
#define PAGE_WRITE    UINT64_C(0x002)
#define PAGE_UNCACHED UINT64_C(0x018) // PWT and PCD: entry 3 of the PAT
#define PAGE_LARGE    UINT64_C(0x080)
#define PAGE_NX       (UINT64_C(1) << 63)
#define PAGE_ADDRESS  UINT64_C(0x000ffffffffff000)
#define PAT_RESET     UINT64_C(0x0007040600070406) // SDM 3A 11.12.4: entry 0 write-back, entry 3 uncached
#define LARGE_BYTES   (2 * MIB)

extern const char image_start[], image_end[], text_start[], text_end[], rodata_start[], rodata_end[]; // linker.ld

static uint64_t *root;

static uint64_t *new_table(void)
{
    hpa page = alloc_pages(1, 1);
    if (page.value == 0 || page.value >= 4 * GIB) // only the first 4 GiB can be written before the switch
        panic("no memory for page tables");
    memset((void *)page.value, 0, PAGE_SIZE);
    return (uint64_t *)page.value;
}

// The entry that maps `address`; level 1 for 4 KiB, 2 for 2 MiB. Missing tables on the way are added.
static uint64_t *entry_at(uint64_t address, unsigned level)
{
    uint64_t *table = root;
    for (unsigned at = 4; at > level; at--) {
        uint64_t *entry = &table[address >> (12 + 9 * (at - 1)) & 511];
        if ((*entry & PAGE_PRESENT) == 0)
            *entry = (uintptr_t)new_table() | PAGE_PRESENT | PAGE_WRITE;
        table = (uint64_t *)(*entry & PAGE_ADDRESS);
    }
    return &table[address >> (12 + 9 * (level - 1)) & 511];
}

enum content { CONTENT_RAM, CONTENT_DEVICE, CONTENT_MIXED };

// What the memory map says about [start, end). A byte that any entry calls reserved is a device's.
static enum content content_of(const struct bootinfo *info, uint64_t start, uint64_t end)
{
    uint64_t ram = 0;
    bool reserved = false, whole = false;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        uint64_t low = range->start > start ? range->start : start, high = range->end < end ? range->end : end;
        if (low >= high)
            continue;
        if (range->type == MEMORY_RESERVED)
            reserved = true;
        else
            ram += high - low;
        whole |= range->type != MEMORY_RESERVED && high - low == end - start;
    }
    if (ram == 0)
        return CONTENT_DEVICE;
    return whole && !reserved ? CONTENT_RAM : CONTENT_MIXED;
}

static bool page_is_unmapped(uint64_t address)
{
    return address == 0 || host_stack_guard_name(address) != NULL;
}

static bool inside(uint64_t address, const char *start, const char *end)
{
    return address >= (uintptr_t)start && address < (uintptr_t)end;
}

static uint64_t small_page(const struct bootinfo *info, uint64_t address)
{
    if (page_is_unmapped(address))
        return 0;
    if (inside(address, text_start, text_end))
        return address | PAGE_PRESENT;
    if (inside(address, rodata_start, rodata_end))
        return address | PAGE_PRESENT | PAGE_NX;
    // A page that is RAM only in part holds firmware data, not registers: those have pages of their own.
    bool device = content_of(info, address, address + PAGE_SIZE) == CONTENT_DEVICE;
    return address | PAGE_PRESENT | PAGE_WRITE | PAGE_NX | (device ? PAGE_UNCACHED : 0);
}

static void map_chunk(const struct bootinfo *info, uint64_t start)
{
    enum content content = content_of(info, start, start + LARGE_BYTES);
    bool special = start == 0 || (start < (uintptr_t)image_end && start + LARGE_BYTES > (uintptr_t)image_start);
    if (content != CONTENT_MIXED && !special) {
        if (content == CONTENT_RAM || start < 4 * GIB)
            *entry_at(start, 2) =
                start | PAGE_PRESENT | PAGE_WRITE | PAGE_NX | PAGE_LARGE | (content == CONTENT_RAM ? 0 : PAGE_UNCACHED);
        return;
    }
    for (uint64_t address = start; address < start + LARGE_BYTES; address += PAGE_SIZE)
        *entry_at(address, 1) = small_page(info, address);
}

static uint64_t ram_end(const struct bootinfo *info)
{
    uint64_t end = 4 * GIB;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        if (info->memory[i].type != MEMORY_RESERVED && info->memory[i].end > end)
            end = info->memory[i].end;
    }
    return end < MEMORY_MAPPED_END ? end : MEMORY_MAPPED_END;
}

void paging_init(const struct bootinfo *info)
{
    uint64_t used_before = alloc_used_bytes(), end = ram_end(info);
    root = new_table();
    for (uint64_t start = 0; start < end; start += LARGE_BYTES)
        map_chunk(info, start);
    x86_wrmsr(MSR_PAT, PAT_RESET);
    x86_write_cr3((uintptr_t)root);
    log_line("paging", "%lu MiB of address space, tables %lu KiB, text %lu KiB, image %lu KiB", end / MIB,
             (alloc_used_bytes() - used_before) / KIB, ((uintptr_t)text_end - (uintptr_t)text_start) / KIB,
             ((uintptr_t)image_end - (uintptr_t)image_start) / KIB);
}
