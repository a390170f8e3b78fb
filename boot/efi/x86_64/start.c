// SPDX-License-Identifier: MIT
// The way into the x86-64 monitor: its ELF file's segments go where they were linked, and it is told what it needs as
// GRUB would tell it (multiboot2). Everything is below 4 GiB, because it is entered in 32-bit mode. See monitor.h.
#include "boot/efi/memorymap.h"
#include "boot/efi/monitor.h"
#include "boot/efi/x86_64/boottags.h"
#include "boot/efi/x86_64/elfimage.h"
#include "boot/efi/x86_64/handover.h"
#include "boot/x86_64/magic.h"

#define TAGS_BYTES  (256 * 1024)
#define STACK_BYTES 4096

const char     monitor_menu[] = "/escapement.cfg";
const uint64_t firmware_memory_end = UINT64_C(1) << 32;

const EFI_MEMORY_TYPE monitor_kept_type = EfiACPIMemoryNVS;

static struct elfimage monitor;
static struct boottags tags; // all but the memory map

const char *monitor_possible(void)
{
    return NULL;
}

uint64_t monitor_counter(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static bool overlaps(const struct file *file)
{
    return file->address < monitor.end && file->address + file->size + 1 > monitor.start;
}

const char *monitor_check(const struct loaded *loaded)
{
    const struct file *image = &loaded->files[0];
    const char *wrong = elfimage_read((const uint8_t *)(uintptr_t)image->address, image->size, &monitor);
    for (uint32_t i = 0; wrong == NULL && i < loaded->count; i++) {
        if (overlaps(&loaded->files[i]))
            wrong = "the firmware keeps files where the monitor must lie";
    }
    return wrong;
}

static void put_rsdp(void)
{
    EFI_GUID new_table = ACPI_20_TABLE_GUID, old_table = ACPI_TABLE_GUID;
    void *new_rsdp = firmware_table(new_table), *old_rsdp = firmware_table(old_table);
    if (new_rsdp != NULL)
        boottags_rsdp(&tags, new_rsdp, 36);
    else if (old_rsdp != NULL)
        boottags_rsdp(&tags, old_rsdp, 20);
}

static void put_tags(const struct loaded *loaded, const struct boot_screen *screen, void *memory)
{
    boottags_begin(&tags, memory, TAGS_BYTES);
    boottags_cmdline(&tags, loaded->words);
    boottags_loader(&tags, MONITOR_LOADER);
    for (uint32_t i = 1; i < loaded->count; i++) {
        const struct file *file = &loaded->files[i];
        boottags_module(&tags, (uint32_t)file->address, (uint32_t)(file->address + file->size),
                        loaded->named[i].words);
    }
    boottags_system_table(&tags, (uintptr_t)ST);
    put_rsdp();
    if (screen->kind == BOOT_SCREEN_PIXELS)
        boottags_framebuffer(&tags, screen);
}

static enum boottags_memory memory_type_of(uint32_t type)
{
    if (memorymap_usable(type))
        return BOOTTAGS_USABLE;
    switch (type) {
    case EfiACPIReclaimMemory: return BOOTTAGS_ACPI;
    case EfiACPIMemoryNVS: return BOOTTAGS_NVS;
    default: return BOOTTAGS_RESERVED;
    }
}

static const char *write_map(const struct memorymap *map)
{
    const EFI_MEMORY_DESCRIPTOR *range;
    struct boottags whole = tags;
    boottags_memory_begin(&whole);
    for (UINTN i = 0; (range = memorymap_at(map, i)) != NULL; i++)
        boottags_memory_add(&whole, range->PhysicalStart, range->NumberOfPages * EFI_PAGE_SIZE,
                            memory_type_of(range->Type));
    boottags_memory_end(&whole);
    return boottags_end(&whole) ? NULL : "the boot information does not fit";
}

// Is all of the monitor's place memory that is free after boot services?
static bool place_is_free(const struct memorymap *map)
{
    const EFI_MEMORY_DESCRIPTOR *range;
    uint64_t free_bytes = 0;
    for (UINTN i = 0; (range = memorymap_at(map, i)) != NULL; i++) {
        uint64_t start = range->PhysicalStart, end = start + range->NumberOfPages * EFI_PAGE_SIZE;
        start = start > monitor.start ? start : monitor.start;
        end = end < monitor.end ? end : monitor.end;
        if (start < end && memorymap_usable(range->Type))
            free_bytes += end - start;
    }
    return free_bytes == monitor.end - monitor.start;
}

// The code that enters it, and what that is told, in memory of their own.
static const struct handover *place_handover(uint8_t *code, uint64_t code_bytes, uint64_t information)
{
    struct handover *handover = (struct handover *)(code + (code_bytes + 7) / 8 * 8);
    CopyMem(code, (void *)(uintptr_t)handover_start, code_bytes);
    *handover = (struct handover){ .entry = monitor.entry, .info = (uint32_t)information,
                                   .magic = MULTIBOOT2_LOADER_MAGIC, .count = monitor.count };
    CopyMem(handover->pieces, monitor.pieces, sizeof(handover->pieces));
    return handover;
}

const char *monitor_start(EFI_HANDLE loader, const struct loaded *loaded, const struct boot_screen *screen)
{
    struct memorymap map;
    uint64_t code_bytes = (uintptr_t)handover_end - (uintptr_t)handover_start;
    struct file information = { firmware_pages(TAGS_BYTES), TAGS_BYTES };
    struct file page = { 0, STACK_BYTES + code_bytes + sizeof(struct handover) + 8 };
    page.address = firmware_pages(page.size);
    if (information.address == 0 || page.address == 0 || !memorymap_init(&map))
        return FIRMWARE_NO_MEMORY;
    if (!place_is_free(&map))
        return "the firmware keeps the memory in which the monitor must lie";
    if (overlaps(&information) || overlaps(&page))
        return "the firmware leaves no memory but that in which the monitor must lie";
    put_tags(loaded, screen, (void *)(uintptr_t)information.address);
    uint8_t *code = (uint8_t *)(uintptr_t)(page.address + STACK_BYTES);
    const struct handover *handover = place_handover(code, code_bytes, information.address);
    const char *wrong = memorymap_leave(loader, &map, write_map);
    if (wrong == NULL)
        ((handover_fn *)(uintptr_t)code)(handover);
    return wrong;
}
