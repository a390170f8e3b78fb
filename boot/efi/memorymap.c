// SPDX-License-Identifier: MIT
// Takes the memory map and leaves boot services: see memorymap.h. Called by the start.c of each architecture.
#include "boot/efi/memorymap.h"

#define EXIT_TRIES 8  // the map can change between asking for it and leaving
#define SLACK      16 // descriptors that the asking itself can add

static bool take(struct memorymap *map)
{
    UINT32 version;
    map->size = map->room;
    return !EFI_ERROR(BS->GetMemoryMap(&map->size, (EFI_MEMORY_DESCRIPTOR *)map->bytes, &map->key,
                                       &map->descriptor_size, &version));
}

bool memorymap_init(struct memorymap *map)
{
    *map = (struct memorymap){ 0 };
    take(map); // fails, and says how large it is
    map->room = map->size + SLACK * map->descriptor_size;
    uint64_t pages = firmware_pages(map->room);
    map->bytes = (uint8_t *)(uintptr_t)pages;
    return pages != 0 && take(map);
}

void memorymap_free(const struct memorymap *map)
{
    firmware_free((uintptr_t)map->bytes, map->room);
}

const EFI_MEMORY_DESCRIPTOR *memorymap_at(const struct memorymap *map, UINTN i)
{
    if (i >= map->size / map->descriptor_size)
        return NULL;
    return (const EFI_MEMORY_DESCRIPTOR *)(map->bytes + i * map->descriptor_size);
}

bool memorymap_usable(uint32_t type)
{
    switch (type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory: return true;
    default: return false;
    }
}

const char *memorymap_leave(EFI_HANDLE loader, struct memorymap *map, memorymap_writer *write)
{
    for (unsigned tries = 0; tries < EXIT_TRIES; tries++) {
        if (!take(map))
            return "the memory map has grown too large";
        const char *wrong = write(map);
        if (wrong != NULL)
            return wrong;
        if (!EFI_ERROR(BS->ExitBootServices(loader, map->key)))
            return NULL;
    }
    return "the firmware does not let go (ExitBootServices)";
}
