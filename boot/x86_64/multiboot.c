// SPDX-License-Identifier: MIT
// An entry of the memory map, which multiboot2 (specification 2.0, 3.6.8) and multiboot1 (0.6.96, 3.3) have in common,
// and the quotes of GRUB's strings. Pure. Called by their parsers and by early.c.
#include "boot/x86_64/multiboot.h"

// 1 usable, 3 ACPI reclaimable, 4 ACPI NVS; every other number is reserved.
static enum memory_type memory_type_of(uint32_t type)
{
    switch (type) {
    case 1: return MEMORY_USABLE;
    case 3:
    case 4: return MEMORY_KEPT;
    default: return MEMORY_RESERVED;
    }
}

void multiboot_add_memory(struct bootinfo *out, const uint8_t *entry)
{
    uint64_t start = multiboot_read64(entry), length = multiboot_read64(entry + 8);
    uint64_t end = length > UINT64_MAX - start ? UINT64_MAX : start + length;
    if (start == end)
        return;
    if (out->memory_count == BOOT_MEMORY_MAX)
        out->memory_ignored++;
    else
        out->memory[out->memory_count++] =
            (struct memory_range){ start, end, memory_type_of(multiboot_read32(entry + 16)) };
}

void multiboot_unquote(char *text)
{
    char *to = text, *from = text;
    for (; *from != '\0'; from++) {
        if (*from == '"')
            continue;
        if (*from == '\\' && from[1] != '\0')
            from++;
        *to++ = *from;
    }
    if (to != from) // an empty string may be a constant
        *to = '\0';
}
