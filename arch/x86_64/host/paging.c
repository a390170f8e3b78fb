// SPDX-License-Identifier: MIT
// Builds the monitor's page tables at boot (SDM 3A 4.5): text RX, rodata R, everything else RW and never executable;
// 4 KiB pages where permissions or memory types meet, 2 MiB elsewhere. Later only whole frames of 2 MiB leave this map,
// while a guest has them and its window shows them, and come back.
#include "arch/x86_64/host/paging.h"

#include <string.h>

#include "arch/host.h"
#include "arch/x86_64/host/cpu.h"
#include "arch/x86_64/host/pagetable.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/base/bootinfo.h"
#include "vmm/base/alloc.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"
#include "vmm/picture/hostscreen.h"

#define PAGE_WRITE    UINT64_C(0x002)
#define PAGE_COMBINED UINT64_C(0x008) // PWT: entry 1 of the PAT
#define PAGE_UNCACHED UINT64_C(0x018) // PWT and PCD: entry 3
#define PAGE_NX       (UINT64_C(1) << 63)
#define PAGE_TABLE    (PAGETABLE_PRESENT | PAGE_WRITE)
#define PAGE_DATA     (PAGETABLE_PRESENT | PAGE_WRITE | PAGE_NX)
#define PAT_HOST      UINT64_C(0x0007040600070106) // SDM 3A 11.12.4: entry 0 write-back, 1 write-combining, 3 uncached
#define LARGE_BYTES   PAGETABLE_LARGE_BYTES

// A window begins where an entry of the root does and has that entry to itself.
#define ROOT_SHIFT    39
#define WINDOWS_FIRST 128u // entries of the root: half of the lower half, far above all memory
#define WINDOWS_END   256u

extern const char image_start[], image_end[], text_start[], text_end[], rodata_start[], rodata_end[]; // linker.ld

static hpa root;

static uint64_t *entry_at(uint64_t address, unsigned level)
{
    uint64_t *entry = pagetable_entry(root, address, level, PAGE_TABLE);
    if (entry == NULL)
        panic("no memory for page tables");
    return entry;
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
        return address | PAGETABLE_PRESENT;
    if (inside(address, rodata_start, rodata_end))
        return address | PAGETABLE_PRESENT | PAGE_NX;
    // A page that is RAM only in part holds firmware data, not registers: those have pages of their own.
    bool device = content_of(info, address, address + PAGE_SIZE) == CONTENT_DEVICE;
    return address | PAGE_DATA | (device ? PAGE_UNCACHED : 0);
}

static void map_chunk(const struct bootinfo *info, uint64_t start)
{
    enum content content = content_of(info, start, start + LARGE_BYTES);
    bool special = start == 0 || (start < (uintptr_t)image_end && start + LARGE_BYTES > (uintptr_t)image_start);
    if (content != CONTENT_MIXED && !special) {
        if (content == CONTENT_RAM || start < 4 * GIB)
            *entry_at(start, 2) = start | PAGE_DATA | PAGETABLE_LARGE | (content == CONTENT_RAM ? 0 : PAGE_UNCACHED);
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

// The screen's memory is only written to, and much of it at a time.
static void map_screen(const struct boot_screen *screen)
{
    if (screen == NULL)
        return;
    uint64_t end = screen->address + boot_screen_bytes(screen);
    for (uint64_t at = screen->address & -LARGE_BYTES; at < end; at += LARGE_BYTES) {
        uint64_t *entry = entry_at(at, 2);
        if (*entry == 0 || (*entry & (PAGETABLE_LARGE | PAGE_UNCACHED)) == (PAGETABLE_LARGE | PAGE_UNCACHED))
            *entry = at | PAGE_DATA | PAGETABLE_LARGE | PAGE_COMBINED;
    }
}

void paging_init(const struct bootinfo *info)
{
    uint64_t used_before = alloc_used_bytes(), end = ram_end(info);
    root = alloc_clear_page();
    if (root.value == 0)
        panic("no memory for page tables");
    for (uint64_t start = 0; start < end; start += LARGE_BYTES)
        map_chunk(info, start);
    map_screen(hostscreen_memory());
    x86_wrmsr(MSR_PAT, PAT_HOST);
    x86_write_cr3(root.value);
    log_line("paging", "%lu MiB of address space, tables %lu KiB, text %lu KiB, image %lu KiB", end / MIB,
             (alloc_used_bytes() - used_before) / KIB, ((uintptr_t)text_end - (uintptr_t)text_start) / KIB,
             ((uintptr_t)image_end - (uintptr_t)image_start) / KIB);
}

// --- guests' memory --------------------------------------------------------------------------------------------------

static void forget_translations(void)
{
    x86_write_cr3(root.value);
}

// Frames that two ranges of the memory map meet in have a table of small pages, which is not needed again.
static void hide(hpa start, uint64_t size)
{
    for (uint64_t at = start.value; at < start.value + guestmem_whole(size); at += LARGE_BYTES) {
        uint64_t *entry = entry_at(at, 2), had = *entry;
        *entry = 0;
        if ((had & PAGETABLE_LARGE) == 0) {
            forget_translations();
            pagetable_free((hpa){ had & PAGETABLE_ADDRESS }, 1);
        }
    }
    forget_translations();
}

static void close_slot(unsigned slot)
{
    uint64_t *entry = (uint64_t *)root.value + slot, table = *entry & PAGETABLE_ADDRESS;
    *entry = 0;
    forget_translations();
    if (table != 0)
        pagetable_free((hpa){ table }, 3);
}

void *arch_window_open(hpa start, uint64_t size)
{
    const struct pagetable_bits bits = { PAGE_TABLE, PAGE_DATA };
    unsigned slot = WINDOWS_FIRST;
    while (slot < WINDOWS_END && ((uint64_t *)root.value)[slot] != 0)
        slot++;
    if (slot == WINDOWS_END)
        return NULL;
    uint64_t window = (uint64_t)slot << ROOT_SHIFT;
    if (!pagetable_map(root, window, start, size, bits)) {
        close_slot(slot);
        return NULL;
    }
    hide(start, size);
    memset((void *)window, 0, size);
    return (void *)window;
}

void arch_window_close(void *window, hpa start, uint64_t size)
{
    memset(window, 0, size);
    close_slot((unsigned)((uintptr_t)window >> ROOT_SHIFT));
    for (uint64_t at = start.value; at < start.value + guestmem_whole(size); at += LARGE_BYTES)
        *entry_at(at, 2) = at | PAGE_DATA | PAGETABLE_LARGE;
}
