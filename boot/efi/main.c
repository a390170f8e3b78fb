// SPDX-License-Identifier: MIT
// The loader for UEFI on x86-64: a menu, then one entry's files below 4 GiB, then the monitor, which is told of them as
// GRUB would tell it (multiboot2). Started by the firmware as EFI/BOOT/BOOTX64.EFI.
#include "boot/efi/boottags.h"
#include "boot/efi/choose.h"
#include "boot/efi/disk.h"
#include "boot/efi/elfimage.h"
#include "boot/efi/firmware.h"
#include "boot/efi/handover.h"
#include "boot/efi/menu.h"
#include "boot/efi/picture.h"
#include "boot/x86_64/magic.h"

#define CONFIG_PATH      "/escapement.cfg"
#define FILE_BYTES_MAX   (UINT64_C(1) << 31)
#define TAGS_BYTES       (256 * 1024)
#define EXIT_TRIES       8  // the map can change between asking for it and leaving (UEFI 2.10, 7.4.6)
#define READ_S           20 // how long a sentence stays
#define STACK_BYTES      4096
#define MAP_SLACK        16 // descriptors that the asking itself can add

// What an entry's files have become.
struct loaded {
    const struct menu_entry *entry;
    struct file              files[MENU_FILES_MAX];
    struct elfimage          monitor;
};

static struct menu  *menu; // in pages of their own: in the file they would be zeros
static struct loaded *loaded;

static void unload(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        firmware_free(loaded->files[i].address, loaded->files[i].size + 1);
}

static bool overlaps(const struct file *file, const struct elfimage *image)
{
    return file->address < image->end && file->address + file->size + 1 > image->start;
}

// Reads the entry's files; false, with nothing kept, after a sentence about the first that cannot be used.
static bool load_entry(const struct menu_entry *entry)
{
    const struct menu_file *files = &menu->files[entry->first];
    if (entry->wrong_line != 0) {
        Print((CHAR16 *)L"\nescapement: %a, line %d: the entry has a line that is not understood, and is not started\n",
              CONFIG_PATH, entry->wrong_line);
        return false;
    }
    loaded->entry = entry;
    for (uint32_t i = 0; i < entry->count; i++) {
        Print((CHAR16 *)L"\r %a                    ", files[i].path);
        const char *wrong = disk_read(files[i].path, FILE_BYTES_MAX, &loaded->files[i]);
        if (wrong != NULL) {
            Print((CHAR16 *)L"\n");
            firmware_say(wrong, files[i].path);
            unload(i);
            return false;
        }
    }
    Print((CHAR16 *)L"\n");
    const struct file *monitor = &loaded->files[0];
    const char *wrong = elfimage_read((const uint8_t *)(uintptr_t)monitor->address, monitor->size, &loaded->monitor);
    for (uint32_t i = 0; wrong == NULL && i < entry->count; i++) {
        if (overlaps(&loaded->files[i], &loaded->monitor))
            wrong = "the firmware keeps files where the monitor must lie";
    }
    if (wrong != NULL) {
        firmware_say(wrong, files[0].path);
        unload(entry->count);
    }
    return wrong == NULL;
}

static void put_rsdp(struct boottags *tags)
{
    EFI_GUID new_table = ACPI_20_TABLE_GUID, old_table = ACPI_TABLE_GUID;
    void *new_rsdp = firmware_table(new_table), *old_rsdp = firmware_table(old_table);
    if (new_rsdp != NULL)
        boottags_rsdp(tags, new_rsdp, 36);
    else if (old_rsdp != NULL)
        boottags_rsdp(tags, old_rsdp, 20);
}

// All but the memory map.
static void put_tags(struct boottags *tags, void *memory)
{
    const struct menu_file *files = &menu->files[loaded->entry->first];
    struct boottags_framebuffer framebuffer;
    const char *why;
    boottags_begin(tags, memory, TAGS_BYTES);
    boottags_cmdline(tags, files[0].words);
    boottags_loader(tags, "Escapement's loader");
    for (uint32_t i = 1; i < loaded->entry->count; i++) {
        const struct file *file = &loaded->files[i];
        boottags_module(tags, (uint32_t)file->address, (uint32_t)(file->address + file->size), files[i].words);
    }
    boottags_system_table(tags, (uintptr_t)ST);
    put_rsdp(tags);
    if (picture_set(menu->width, menu->height, &framebuffer, &why))
        boottags_framebuffer(tags, &framebuffer);
    if (why != NULL)
        firmware_say(why, NULL);
}

// UEFI 2.10, table 7.10: what is free once boot services are gone. What the loader holds is free, too, but for what the
// boot information names.
static enum boottags_memory memory_type_of(uint32_t type)
{
    switch (type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory: return BOOTTAGS_USABLE;
    case EfiACPIReclaimMemory: return BOOTTAGS_ACPI;
    case EfiACPIMemoryNVS: return BOOTTAGS_NVS;
    default: return BOOTTAGS_RESERVED;
    }
}

struct map {
    uint8_t *bytes;
    UINTN    room, size, key, descriptor_size;
};

static const EFI_MEMORY_DESCRIPTOR *descriptor(const struct map *map, UINTN i)
{
    return (const EFI_MEMORY_DESCRIPTOR *)(map->bytes + i * map->descriptor_size);
}

static bool take_map(struct map *map)
{
    UINT32 version;
    map->size = map->room;
    return !EFI_ERROR(BS->GetMemoryMap(&map->size, (EFI_MEMORY_DESCRIPTOR *)map->bytes, &map->key,
                                       &map->descriptor_size, &version));
}

static void put_map(struct boottags *tags, const struct map *map)
{
    boottags_memory_begin(tags);
    for (UINTN i = 0; i < map->size / map->descriptor_size; i++) {
        const EFI_MEMORY_DESCRIPTOR *range = descriptor(map, i);
        boottags_memory_add(tags, range->PhysicalStart, range->NumberOfPages * EFI_PAGE_SIZE,
                            memory_type_of(range->Type));
    }
    boottags_memory_end(tags);
}

// Is all of the monitor's place memory that is free after boot services?
static bool place_is_free(const struct map *map, const struct elfimage *image)
{
    uint64_t free_bytes = 0;
    for (UINTN i = 0; i < map->size / map->descriptor_size; i++) {
        const EFI_MEMORY_DESCRIPTOR *range = descriptor(map, i);
        uint64_t start = range->PhysicalStart, end = start + range->NumberOfPages * EFI_PAGE_SIZE;
        start = start > image->start ? start : image->start;
        end = end < image->end ? end : image->end;
        if (start < end && memory_type_of(range->Type) == BOOTTAGS_USABLE)
            free_bytes += end - start;
    }
    return free_bytes == image->end - image->start;
}

static bool map_room(struct map *map)
{
    take_map(map); // fails, and says how large it is
    map->room = map->size + MAP_SLACK * map->descriptor_size;
    uint64_t pages = firmware_pages(map->room);
    map->bytes = (uint8_t *)(uintptr_t)pages;
    return pages != 0;
}

// Leaves boot services and enters the monitor. Returns only when that cannot be, with a sentence.
static const char *start(EFI_HANDLE loader)
{
    struct boottags tags, whole;
    struct map map = { 0 };
    uint64_t memory = firmware_pages(TAGS_BYTES);
    uint64_t code_bytes = (uintptr_t)handover_end - (uintptr_t)handover_start;
    uint64_t page = firmware_pages(STACK_BYTES + code_bytes + sizeof(struct handover));
    if (memory == 0 || page == 0 || !map_room(&map) || !take_map(&map))
        return "there is not enough memory below 4 GiB";
    if (!place_is_free(&map, &loaded->monitor))
        return "the firmware keeps the memory in which the monitor must lie";
    const struct file own[] = { { memory, TAGS_BYTES }, { page, STACK_BYTES + code_bytes + sizeof(struct handover) } };
    if (overlaps(&own[0], &loaded->monitor) || overlaps(&own[1], &loaded->monitor))
        return "the firmware leaves no memory but that in which the monitor must lie";
    put_tags(&tags, (void *)(uintptr_t)memory);

    uint8_t *code = (uint8_t *)(uintptr_t)(page + STACK_BYTES);
    struct handover *handover = (struct handover *)(code + (code_bytes + 7) / 8 * 8);
    CopyMem(code, (void *)(uintptr_t)handover_start, code_bytes);
    *handover = (struct handover){ .entry = loaded->monitor.entry, .info = (uint32_t)memory,
                                   .magic = MULTIBOOT2_LOADER_MAGIC, .count = loaded->monitor.count };
    CopyMem(handover->pieces, loaded->monitor.pieces, sizeof(handover->pieces));

    for (unsigned tries = 0; tries < EXIT_TRIES; tries++) {
        whole = tags;
        if (!take_map(&map))
            return "the memory map has grown too large";
        put_map(&whole, &map);
        if (!boottags_end(&whole))
            return "the boot information does not fit";
        if (!EFI_ERROR(BS->ExitBootServices(loader, map.key)))
            ((handover_fn *)(uintptr_t)code)(handover);
    }
    return "the firmware does not let go (ExitBootServices)";
}

static const char *read_menu(void)
{
    struct file file;
    struct menu_complaint complaint;
    const char *wrong = disk_read(CONFIG_PATH, MENU_TEXT_MAX, &file);
    if (wrong != NULL)
        return wrong;
    bool found = menu_parse((char *)(uintptr_t)file.address, file.size, menu, &complaint);
    if (complaint.line != 0) {
        Print((CHAR16 *)L"escapement: %a, line %d: %a\n", CONFIG_PATH, complaint.line, complaint.what);
        choose_wait(READ_S / 4);
    }
    return found ? NULL : "it has no entry that starts anything";
}

EFI_STATUS efi_main(EFI_HANDLE loader, EFI_SYSTEM_TABLE *system);
EFI_STATUS efi_main(EFI_HANDLE loader, EFI_SYSTEM_TABLE *system)
{
    InitializeLib(loader, system);
    BS->SetWatchdogTimer(0, 0, 0, NULL); // 7.5.2: firmware's own ends a run after five minutes
    menu = (struct menu *)(uintptr_t)firmware_pages(sizeof(*menu));
    loaded = (struct loaded *)(uintptr_t)firmware_pages(sizeof(*loaded));
    const char *wrong = menu != NULL && loaded != NULL ? disk_open(loader) : "there is not enough memory below 4 GiB";
    if (wrong == NULL)
        wrong = read_menu();
    if (wrong != NULL) {
        firmware_say(wrong, CONFIG_PATH);
        choose_wait(READ_S);
        return EFI_LOAD_ERROR;
    }
    for (uint32_t timeout_s = menu->timeout_s;; timeout_s = READ_S) {
        menu->chosen = choose_entry(menu, timeout_s);
        if (!load_entry(&menu->entries[menu->chosen])) {
            choose_wait(READ_S);
            continue;
        }
        wrong = start(loader);
        firmware_say(wrong, NULL);
        unload(loaded->entry->count);
        choose_wait(READ_S);
    }
}
