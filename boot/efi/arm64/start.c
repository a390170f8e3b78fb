// SPDX-License-Identifier: MIT
// The way into the arm64 monitor: its image goes to pages of its own, and it is told what it needs by a device tree,
// which is the firmware's, or is made from its ACPI tables where it has only those. See monitor.h.
#include "boot/efi/memorymap.h"
#include "boot/efi/monitor.h"
#include "boot/efi/arm64/acpi_board.h"
#include "boot/efi/arm64/board_tree.h"
#include "boot/efi/arm64/enter.h"
#include "boot/efi/arm64/image.h"
#include "boot/efi/arm64/tree.h"
#include "time/calendar.h"
#include "vmm/base/acpi_table.h"
#include "vmm/base/remains.h"

#define EL2 2u

const char     monitor_menu[] = "/escapement-arm64.cfg";
const uint64_t firmware_memory_end = MEMORY_MAPPED_END;

const EFI_MEMORY_TYPE monitor_kept_type = EfiLoaderData; // and tree_keep()

static struct tree tree;
static uint64_t    image_bytes;

static uint64_t exception_level(void)
{
    uint64_t level;
    __asm__ volatile("mrs %0, CurrentEL" : "=r"(level));
    return level >> 2 & 3;
}

static uint64_t mpidr(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(value));
    return value;
}

uint64_t monitor_counter(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(value));
    return value;
}

const char *monitor_possible(void)
{
    if (exception_level() == EL2)
        return NULL;
    return "the firmware has not started this at EL2, where a hypervisor runs: the machine's virtualization is off, or "
           "another hypervisor has it. With QEMU: -M virt,virtualization=on";
}

const char *monitor_check(const struct loaded *loaded)
{
    const struct file *image = &loaded->files[0];
    return image_read((const uint8_t *)(uintptr_t)image->address, image->size, &image_bytes);
}

// --- the board -------------------------------------------------------------------------------------------------------

// What tables may lie in: all that the map names but devices.
static struct memory_window window_of(const struct memorymap *map)
{
    const EFI_MEMORY_DESCRIPTOR *range;
    struct memory_window window = { .bias = 0, .start = UINT64_MAX, .end = 0 };
    for (UINTN i = 0; (range = memorymap_at(map, i)) != NULL; i++) {
        uint64_t start = range->PhysicalStart, end = start + range->NumberOfPages * EFI_PAGE_SIZE;
        if (range->Type == EfiMemoryMappedIO || range->Type == EfiMemoryMappedIOPortSpace)
            continue;
        window.start = start < window.start ? start : window.start;
        window.end = end > window.end ? end : window.end;
    }
    return window;
}

static const char *make_tree(const struct memorymap *map, const void **tree_made)
{
    static struct refusal refusal;
    EFI_GUID acpi = ACPI_20_TABLE_GUID;
    const uint8_t *rsdp = firmware_table(acpi);
    struct memory_window window = window_of(map);
    struct board board;
    void *made = (void *)(uintptr_t)firmware_pages(BOARD_TREE_BYTES);
    if (rsdp == NULL)
        return "the firmware has neither a device tree nor ACPI tables";
    if (!acpi_board_read(&window, rsdp, ACPI_RSDP_BYTES, mpidr(), &board, &refusal))
        return refusal.text;
    if (made == NULL || !board_tree_write(&board, made, BOARD_TREE_BYTES))
        return FIRMWARE_NO_MEMORY;
    *tree_made = made;
    return NULL;
}

static const char *open_tree(const struct memorymap *map)
{
    // Linux, Documentation/arch/arm/uefi.rst.
    EFI_GUID device_tree = { 0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 } };
    const void *from = firmware_table(device_tree);
    const char *wrong = from == NULL ? make_tree(map, &from) : NULL;
    if (wrong != NULL)
        return wrong;
    uint64_t memory = firmware_pages(DTB_BYTES_MAX);
    return memory != 0 ? tree_open(&tree, (void *)(uintptr_t)memory, DTB_BYTES_MAX, from) : FIRMWARE_NO_MEMORY;
}

// --- what is added to the tree ---------------------------------------------------------------------------------------

// UEFI 2.10, 8.3: local time, and how many minutes it is behind UTC, or that nobody knows.
static void add_time(void)
{
    EFI_TIME now;
    uint64_t when = monitor_counter();
    if (EFI_ERROR(RT->GetTime(&now, NULL)) || now.Year < 1970 || now.Year > 9999 || now.Month < 1 || now.Month > 12 ||
        now.Day < 1 || now.Day > calendar_days_in_month(now.Year, now.Month))
        return;
    struct calendar date = { now.Year, now.Month, now.Day, now.Hour, now.Minute, now.Second };
    uint64_t seconds = calendar_to_seconds(&date) - CALENDAR_UNIX_EPOCH;
    if (now.TimeZone != EFI_UNSPECIFIED_TIMEZONE)
        seconds += (uint64_t)(now.TimeZone * 60);
    tree_time(&tree, seconds, when);
}

// Not every firmware has any (37.5).
static void add_seed(void)
{
    EFI_GUID identity = EFI_RNG_PROTOCOL_GUID;
    EFI_RNG_PROTOCOL *chance;
    uint8_t seed[SEED_BYTES];
    if (!EFI_ERROR(BS->LocateProtocol(&identity, NULL, (void **)&chance)) &&
        !EFI_ERROR(chance->GetRNG(chance, NULL, sizeof(seed), seed)))
        tree_seed(&tree, seed, sizeof(seed));
}

static void add_screen(const struct boot_screen *screen)
{
    const char *why = screen->kind == BOOT_SCREEN_PIXELS ? tree_screen(&tree, screen) : NULL;
    if (why != NULL)
        firmware_say(why, NULL);
}

static const char *write_memory(const struct memorymap *map)
{
    const EFI_MEMORY_DESCRIPTOR *range;
    tree_memory_begin(&tree);
    for (UINTN i = 0; (range = memorymap_at(map, i)) != NULL; i++) {
        if (memorymap_usable(range->Type))
            tree_memory_add(&tree, range->PhysicalStart, range->NumberOfPages * EFI_PAGE_SIZE);
    }
    return tree_memory_end(&tree);
}

const char *monitor_start(EFI_HANDLE loader, const struct loaded *loaded, const struct boot_screen *screen)
{
    struct memorymap map;
    uint64_t image = firmware_pages(image_bytes);
    if (image == 0 || !memorymap_init(&map))
        return FIRMWARE_NO_MEMORY;
    const char *wrong = open_tree(&map);
    if (wrong != NULL)
        return wrong;
    CopyMem((void *)(uintptr_t)image, (void *)(uintptr_t)loaded->files[0].address, loaded->files[0].size);
    tree_words(&tree, MONITOR_LOADER, loaded->words);
    if (loaded->kept.run != 0)
        tree_keep(&tree, loaded->kept.address, REMAINS_BYTES);
    for (uint32_t i = loaded->count; --i > 0;)
        tree_module(&tree, loaded->files[i].address, loaded->files[i].size, loaded->named[i].words);
    add_screen(screen);
    add_seed();
    add_time();
    wrong = memorymap_leave(loader, &map, write_memory);
    if (wrong != NULL)
        return wrong;
    const struct enter_range ranges[] = {
        { image, image + image_bytes },
        { (uintptr_t)tree.fdt, (uintptr_t)tree.fdt + tree_close(&tree) },
        { screen->address, screen->address + boot_screen_bytes(screen) }, // last: it may be empty
        { 0, 0 },
    };
    enter_monitor(ranges, image, tree.fdt);
}
