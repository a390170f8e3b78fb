// SPDX-License-Identifier: MIT
// What the boot loader said, in neutral words: command line, modules, memory map, where the ACPI tables start. The
// parser is pure and checks every length; strings stay where the loader put them, and that memory is never handed out.
#ifndef BOOT_BOOTINFO_H
#define BOOT_BOOTINFO_H

#include "time/units.h"
#include "vmm/types.h"

#define BOOT_MODULES_MAX 32
#define BOOT_MEMORY_MAX  128

// The monitor maps and uses physical memory below this only.
#define MEMORY_MAPPED_END (64 * GIB)

struct boot_module {
    hpa         start;
    uint64_t    size;
    const char *string; // what stands behind `module2 FILE` in the loader's menu
};

enum memory_type { MEMORY_USABLE, MEMORY_ACPI, MEMORY_RESERVED }; // MEMORY_ACPI: RAM that holds ACPI tables or NVS

struct memory_range {
    uint64_t         start, end;
    enum memory_type type;
};

struct bootinfo {
    const char         *cmdline; // of the monitor; never null
    const char         *loader;  // name of the boot loader; never null
    uint64_t            info_start, info_end; // memory that the strings are in
    htime_t             handover_tsc;         // counter at the first instruction of the image
    uint32_t            module_count, memory_count;
    uint32_t            modules_ignored, memory_ignored; // beyond the limits above
    struct boot_module  modules[BOOT_MODULES_MAX];
    struct memory_range memory[BOOT_MEMORY_MAX];
    uint8_t             rsdp[36];  // copy of the loader's RSDP
    uint32_t            rsdp_size; // 20 or 36; 0 when the loader gave none
};

// Undoes what GRUB does to a string that it passes on, in place: a backslash before each quote and backslash, and
// quotes around a word that has blanks in it.
void bootinfo_unquote(char *text);

// Reads a multiboot2 information structure (specification 2.0, 3.6) of which `readable` bytes may be touched. False:
// it is damaged, the refusal says where.
bool bootinfo_parse_multiboot2(const void *info, uint64_t readable, struct bootinfo *out, struct refusal *refusal);

#endif
