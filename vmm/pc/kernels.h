// SPDX-License-Identifier: MIT
// The kinds of kernel that a PC's loader knows, a file each, and where a PC's RAM is below 1 MiB. Nobody but the
// loaders of this room includes this.
#ifndef VMM_PC_KERNELS_H
#define VMM_PC_KERNELS_H

#include "vmm/loader_image.h"
#include "vmm/pc/bios.h"

// A PC's memory map below 1 MiB: page zero and the BIOS areas are not RAM to be loaded into.
#define LOW_RAM_END           GUEST_EBDA_BASE
#define ROM_START             UINT64_C(0xa0000)
#define HIGH_RAM              UINT64_C(0x100000)
// Page tables and boot information go here or above: 0x8000 is where kernels like to put other processors' first code.
#define LOADER_OWN_LOW        UINT64_C(0x9000)

#define MULTIBOOT1_BOOT_MAGIC 0x2badb002u // multiboot 0.6.96, 3.2: EAX at entry

// The multiboot1 header's fields that matter (0.6.96, 3.1).
struct multiboot1_header {
    uint64_t offset; // in the file
    uint32_t flags;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr; // with MULTIBOOT1_ADDRESS_FIELDS
};
#define MULTIBOOT1_ADDRESS_FIELDS (1u << 16)

enum multiboot1_search { MULTIBOOT1_NONE, MULTIBOOT1_FOUND, MULTIBOOT1_DAMAGED };

struct elf {
    bool is_64;
    unsigned bytes_of_phdr;
    uint64_t entry, phoff;
    unsigned phnum;
};

// long64.c: page tables, stack and GDT for ENTRY_LONG64, into guest memory and into *out.
bool loader_enter_long64(struct loading *l, struct entry_state *out);

// loader_elf.c
bool elf_is(const struct image *image);
bool elf_read(struct loading *l, struct elf *elf);
bool elf_load(struct loading *l, const struct elf *elf, uint64_t *entry);

// loader_multiboot1.c
enum multiboot1_search multiboot1_find(const struct image *image, struct multiboot1_header *header);
bool multiboot1_check(struct loading *l, const struct multiboot1_header *header);
bool multiboot1_load_fields(struct loading *l, const struct multiboot1_header *header, uint64_t *entry);

// Copies the modules above the kernel, writes the information structure (3.3); its guest address to *info.
bool multiboot1_inform(struct loading *l, uint64_t *info);

// loader_linux.c
bool linux_is(const struct image *image);
bool linux_load(struct loading *l, struct entry_state *out);

#endif
