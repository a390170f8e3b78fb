// SPDX-License-Identifier: MIT
// Writes multiboot2 information (specification 2.0, chapter 3.6), which the monitor then reads as it reads GRUB's
// (boot/x86_64/multiboot2.c). Pure.
#ifndef BOOT_EFI_X86_64_BOOTTAGS_H
#define BOOT_EFI_X86_64_BOOTTAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/bootinfo.h"

struct boottags {
    uint8_t *base; // a multiple of 8
    uint32_t size, used;
    uint32_t entries; // of the memory map
    bool     full;    // something did not fit
};

// 3.6.8's types, which are the BIOS's.
enum boottags_memory { BOOTTAGS_USABLE = 1, BOOTTAGS_RESERVED = 2, BOOTTAGS_ACPI = 3, BOOTTAGS_NVS = 4 };

void boottags_begin(struct boottags *tags, void *memory, uint32_t size);
void boottags_cmdline(struct boottags *tags, const char *text);
void boottags_loader(struct boottags *tags, const char *name);
void boottags_module(struct boottags *tags, uint32_t start, uint32_t end, const char *text);
void boottags_system_table(struct boottags *tags, uint64_t address); // UEFI's own
void boottags_rsdp(struct boottags *tags, const void *rsdp, uint32_t size); // 36 bytes from ACPI 2.0 on, else 20
void boottags_framebuffer(struct boottags *tags, const struct boot_screen *screen); // 3.6.12; pixels

// The memory map is one tag: begin, then its entries in any order, then end. Entries that touch and have the same type
// become one.
void boottags_memory_begin(struct boottags *tags);
void boottags_memory_add(struct boottags *tags, uint64_t start, uint64_t bytes, enum boottags_memory type);
void boottags_memory_end(struct boottags *tags);

// False when something did not fit: the information must not be used.
bool boottags_end(struct boottags *tags);

#endif
