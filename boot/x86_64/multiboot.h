// SPDX-License-Identifier: MIT
// What the two generations of multiboot have in common: little-endian fields, the memory map's entries,
// and GRUB's quotes.
#ifndef BOOT_X86_64_MULTIBOOT_H
#define BOOT_X86_64_MULTIBOOT_H

#include <string.h>

#include "vmm/base/bootinfo.h"

#define MULTIBOOT_MEMORY_BYTES 20u // address, length, type

static inline uint32_t multiboot_read32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t multiboot_read64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

// Adds the range that an entry of MULTIBOOT_MEMORY_BYTES describes; one beyond the limit is counted.
void multiboot_add_memory(struct bootinfo *out, const uint8_t *entry);

// Undoes what GRUB does to a string that it passes on, in place: a backslash before each quote and backslash, and
// quotes around a word that has blanks in it.
void multiboot_unquote(char *text);

#endif
