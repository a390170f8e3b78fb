// SPDX-License-Identifier: MIT
// The firmware's memory map, and the last step that it is needed for: leaving boot services (UEFI 2.10, 7.2 and 7.4.6).
#ifndef BOOT_EFI_MEMORYMAP_H
#define BOOT_EFI_MEMORYMAP_H

#include "boot/efi/firmware.h"

struct memorymap {
    uint8_t *bytes;
    UINTN    room, size, key, descriptor_size;
};

// Makes room for it, with some to spare, and takes it. False: there is no memory.
bool memorymap_init(struct memorymap *map);
void memorymap_free(const struct memorymap *map);

// Each of its descriptors in turn: i from 0 on, until null.
const EFI_MEMORY_DESCRIPTOR *memorymap_at(const struct memorymap *map, UINTN i);

// Memory of this type is free once boot services are gone (table 7.10). What the loader holds is free, too, but for
// what the monitor is told of.
bool memorymap_usable(uint32_t type);

// Writes the map into what is handed over, and is called again if the firmware has changed it meanwhile. Null: it is
// written.
typedef const char *memorymap_writer(const struct memorymap *map);

// Takes the map, has it written, and leaves boot services, after which the firmware must not be called. Null: it is so.
const char *memorymap_leave(EFI_HANDLE loader, struct memorymap *map, memorymap_writer *write);

#endif
