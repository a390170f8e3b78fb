// SPDX-License-Identifier: MIT
// Numbers of multiboot2 information (specification 2.0, 3.6), which multiboot2.c reads and our loader for UEFI writes.
#ifndef BOOT_X86_64_MULTIBOOT2_TAGS_H
#define BOOT_X86_64_MULTIBOOT2_TAGS_H

enum multiboot2_tag {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI_TABLE = 12, // of 64-bit firmware
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,
};

// 3.6.12: what a framebuffer's pixels, or cells, are.
#define FRAMEBUFFER_DIRECT 1
#define FRAMEBUFFER_TEXT   2

#endif
