// SPDX-License-Identifier: MIT
// Builds the monitor's translation tables (Arm ARM D8.2, D8.3: EL2, 4 KiB granule, 48 bits), twice: rough ones, for the
// device tree to be read, then those that stay: text RX, rodata R, RAM RW and never executable, the registers of the
// board's devices. Called by boot/arm64. Later only whole blocks of RAM leave this map, while a guest has them and its
// window shows them, and come back.
#include "arch/arm64/host/paging.h"

#include "arch/host.h"
#include "arch/arm64/host/board.h"
#include "arch/arm64/host/cache.h"
#include "arch/arm64/host/cpu.h"
#include "arch/arm64/host/pagetable.h"
#include "vmm/base/bootinfo.h"
#include "vmm/base/alloc.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"
#include "vmm/picture/hostscreen.h"

// Entry 0: device nGnRnE; entry 1: write-back, allocated on read and write; entry 2: not cached, writes may be
// gathered.
#define MAIR_DEVICE_RAM_SCREEN 0x44ff00
#define TCR_48_BITS 16
#define TCR_WALKS   (UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12) // write-back, inner shareable
#define TCR_RES1    (BIT(31) | BIT(23))
#define TCR_PS_SHIFT 16
#define PS_48_BITS  5

#define LEAF_DEVICE (PTE_AF | BIT(6))
#define LEAF_RAM    (PTE_AF | BIT(6) | BIT(2) | PTE_SH_INNER)
#define LEAF_SCREEN (PTE_AF | BIT(6) | BIT(3) | LEAF_NO_EXECUTE)
#define LEAF_READ_ONLY BIT(7)
#define LEAF_NO_EXECUTE BIT(54)
#define LEAF_DATA   (LEAF_RAM | LEAF_NO_EXECUTE)
#define LEAF_HOLE   BIT(55) // not valid, and nothing will be mapped here

#define LEVEL_BYTES(level) (UINT64_C(1) << (39 - 9 * (level)))

// A window begins where an entry of the root does and has that entry to itself: the upper half is theirs.
#define WINDOWS_FIRST 256u
#define WINDOWS_END   512u
#define SPACE_END     (WINDOWS_FIRST * LEVEL_BYTES(0))
#define EARLY_DEVICES_END (512 * GIB)

extern const char image_start[], image_end[], text_start[], text_end[], rodata_start[], rodata_end[]; // linker.ld

// Two roots would do for a device tree next to the image; each may lie across a border of 1 GiB and in any 512 GiB.
#define EARLY_TABLES 8
static __attribute__((aligned(4096), section(".bss.page_aligned"))) uint64_t early_tables[EARLY_TABLES][512];
static unsigned early_used;
static bool early_done;
static uint64_t *root;

static uint64_t *new_table(void)
{
    if (!early_done) {
        if (early_used == EARLY_TABLES)
            arm64_halt_forever(); // nothing can be printed yet
        return early_tables[early_used++];
    }
    hpa page = alloc_clear_page();
    if (page.value == 0)
        panic("no memory for page tables");
    return (uint64_t *)page.value;
}

// What is mapped already stays: so the exceptions are mapped first. Both ends are page aligned. RAM comes in blocks of
// the size that guests' memory is made of, and in no larger ones.
static void map(uint64_t *table, unsigned level, uint64_t start, uint64_t end, uint64_t leaf)
{
    uint64_t size = LEVEL_BYTES(level);
    unsigned largest = leaf == LEAF_DATA ? PAGETABLE_LEAF_LEVEL - 1 : 1;
    for (uint64_t next; start < end; start = next) {
        uint64_t *entry = &table[start / size % 512];
        next = (start & ~(size - 1)) + size;
        if (next > end)
            next = end;
        if (*entry == 0 && level >= largest && next - start == size) {
            bool hole = (leaf & LEAF_HOLE) != 0;
            *entry = start | leaf | (hole ? 0 : PTE_VALID) | (level == PAGETABLE_LEAF_LEVEL && !hole ? PTE_TABLE : 0);
            continue;
        }
        if (*entry == 0)
            *entry = (uintptr_t)new_table() | PTE_VALID | PTE_TABLE;
        if (level < PAGETABLE_LEAF_LEVEL && (*entry & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE))
            map((uint64_t *)(*entry & PAGETABLE_ADDRESS), level + 1, start, next, leaf);
    }
}

static uint64_t tcr(void)
{
    uint64_t ps = sysreg_read(id_aa64mmfr0_el1) & 15;
    return TCR_RES1 | TCR_48_BITS | TCR_WALKS | (ps < PS_48_BITS ? ps : PS_48_BITS) << TCR_PS_SHIFT;
}

// D8.14: the old tables may call the same address another kind of memory, so there is a moment without any. Only
// instructions are fetched in it.
static void switch_to_tables(uint64_t sctlr)
{
    __asm__ volatile("dsb sy\n\t"
                     "msr sctlr_el2, %0\n\t"
                     "isb\n\t"
                     "msr mair_el2, %1\n\t"
                     "msr tcr_el2, %2\n\t"
                     "msr ttbr0_el2, %3\n\t"
                     "isb\n\t"
                     "tlbi alle2\n\t"
                     "dsb sy\n\t"
                     "isb\n\t"
                     "msr sctlr_el2, %4\n\t"
                     "isb"
                     :
                     : "r"(SCTLR_EL2_RES1 | SCTLR_I), "r"((uint64_t)MAIR_DEVICE_RAM_SCREEN), "r"(tcr()), "r"(root),
                       "r"(SCTLR_EL2_RES1 | SCTLR_I | SCTLR_C | SCTLR_SA | SCTLR_M | sctlr)
                     : "memory");
}

// Every access of these tables is of one aligned doubleword: with the MMU off there are no others.
void paging_early(const void *dtb)
{
    const uint64_t large = LEVEL_BYTES(2), tree = (uintptr_t)dtb;
    root = new_table();
    map(root, 0, (uintptr_t)image_start & ~(large - 1), ((uintptr_t)image_end + large - 1) & ~(large - 1), LEAF_RAM);
    if (tree < SPACE_END - DTB_BYTES_MAX - large)
        map(root, 0, tree & ~(large - 1), (tree + DTB_BYTES_MAX + large - 1) & ~(large - 1), LEAF_DATA);
    map(root, 0, 0, EARLY_DEVICES_END, LEAF_DEVICE | LEAF_NO_EXECUTE);
    switch_to_tables(0);
    early_done = true;
}

static void map_device(uint64_t start, uint64_t size)
{
    uint64_t end = (start + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (start != 0 && size != 0 && end > start && end <= SPACE_END)
        map(root, 0, start & ~(PAGE_SIZE - 1), end, LEAF_DEVICE | LEAF_NO_EXECUTE);
}

static void map_devices(const struct board *b)
{
    map_device(b->uart, PAGE_SIZE);
    map_device(b->rtc, PAGE_SIZE);
    map_device(b->gicd, 64 * KIB);
    map_device(b->gicr, b->gicr_size);
    map_device(b->gicc, 64 * KIB);
    map_device(b->gich, 64 * KIB);
    map_device(b->gicv, 64 * KIB);
    map_device(b->ecam, b->ecam_size);
    map_device(b->pci_io, b->pci_io_size);
}

// Only written to, and much of it at a time. Whoever shows it may not look into the CPU's cache.
static void map_screen(const struct boot_screen *screen)
{
    if (screen == NULL)
        return;
    uint64_t end = screen->address + boot_screen_bytes(screen);
    map(root, 0, screen->address & ~(PAGE_SIZE - 1), (end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1), LEAF_SCREEN);
}

static void map_image(void)
{
    for (unsigned i = 0; i < host_stack_count; i++)
        map(root, 0, host_stacks[i].guard, host_stacks[i].guard + PAGE_SIZE, LEAF_HOLE);
    map(root, 0, (uintptr_t)text_start, (uintptr_t)text_end, LEAF_RAM | LEAF_READ_ONLY);
    map(root, 0, (uintptr_t)rodata_start, (uintptr_t)rodata_end, LEAF_RAM | LEAF_READ_ONLY | LEAF_NO_EXECUTE);
    map(root, 0, (uintptr_t)rodata_end, (uintptr_t)image_end, LEAF_DATA);
}

// Every range of one type, in whole pages: of RAM those that are all in it, of holes those that it has any part of.
static uint64_t map_ranges(const struct bootinfo *info, enum memory_type type, uint64_t leaf)
{
    uint64_t mapped = 0, grow = type == MEMORY_USABLE ? PAGE_SIZE - 1 : 0;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        uint64_t last = range->end < MEMORY_MAPPED_END ? range->end : MEMORY_MAPPED_END;
        uint64_t start = (range->start + grow) & ~(PAGE_SIZE - 1);
        uint64_t end = (last + PAGE_SIZE - 1 - grow) & ~(PAGE_SIZE - 1);
        if (range->type != type || range->start >= last || start >= end)
            continue;
        map(root, 0, start, end, leaf);
        mapped += end - start;
    }
    return mapped;
}

void paging_init(const struct bootinfo *info)
{
    uint64_t used_before = alloc_used_bytes();
    root = new_table();
    map(root, 0, 0, PAGE_SIZE, LEAF_HOLE);
    map_image();
    map_devices(board());
    map_screen(hostscreen_memory());
    map_ranges(info, MEMORY_RESERVED, LEAF_HOLE); // somebody else's: not even a speculative read may go there
    uint64_t mapped = map_ranges(info, MEMORY_USABLE, LEAF_DATA);
    switch_to_tables(SCTLR_WXN);
    log_line("paging", "%lu MiB of RAM, tables %lu KiB, text %lu KiB, image %lu KiB at %#lx", mapped / MIB,
             (alloc_used_bytes() - used_before) / KIB, ((uintptr_t)text_end - (uintptr_t)text_start) / KIB,
             ((uintptr_t)image_end - (uintptr_t)image_start) / KIB, (uintptr_t)image_start);
}

// --- guests' memory --------------------------------------------------------------------------------------------------

static void forget_translations(void)
{
    __asm__ volatile("dsb ishst\n\t"
                     "tlbi alle2is\n\t"
                     "dsb ish\n\t"
                     "isb"
                     :
                     :
                     : "memory");
}

// The entry of a block of RAM: the tables above it are there.
static uint64_t *block_entry(uint64_t address)
{
    return pagetable_entry((struct pagetable){ { (uintptr_t)root }, 0 }, address, PAGETABLE_LEAF_LEVEL - 1);
}

// Blocks that two ranges of the memory map meet in have a table of pages, which is not needed again.
static void hide(hpa start, uint64_t size)
{
    for (uint64_t at = start.value; at < start.value + guestmem_whole(size); at += PAGETABLE_BLOCK_BYTES) {
        uint64_t *entry = block_entry(at), had = *entry;
        *entry = 0;
        if ((had & PTE_TABLE) != 0) {
            forget_translations();
            pagetable_free((struct pagetable){ { had & PAGETABLE_ADDRESS }, PAGETABLE_LEAF_LEVEL });
        }
    }
    forget_translations();
}

static void close_slot(unsigned slot)
{
    uint64_t table = root[slot] & PAGETABLE_ADDRESS;
    root[slot] = 0;
    forget_translations();
    if (table != 0)
        pagetable_free((struct pagetable){ { table }, 1 });
}

void *arch_window_open(hpa start, uint64_t size)
{
    unsigned slot = WINDOWS_FIRST;
    while (slot < WINDOWS_END && root[slot] != 0)
        slot++;
    if (slot == WINDOWS_END)
        return NULL;
    uint64_t window = slot * LEVEL_BYTES(0);
    if (!pagetable_map((struct pagetable){ { (uintptr_t)root }, 0 }, window, start, size, LEAF_DATA)) {
        close_slot(slot);
        return NULL;
    }
    hide(start, size);
    cache_clear_to_memory((void *)window, size);
    return (void *)window;
}

void arch_window_close(void *window, hpa start, uint64_t size)
{
    cache_clear_to_memory(window, size);
    close_slot((unsigned)((uintptr_t)window / LEVEL_BYTES(0)));
    for (uint64_t at = start.value; at < start.value + guestmem_whole(size); at += PAGETABLE_BLOCK_BYTES)
        *block_entry(at) = at | LEAF_DATA | PTE_VALID;
    forget_translations();
}
