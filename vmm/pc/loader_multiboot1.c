// SPDX-License-Identifier: MIT
// Multiboot1 (specification 0.6.96): finding the header, loading by its address fields, and the information structure
// that the kernel gets. pc/loader.c calls it for every kernel: an ELF64 guest gets the same structure. Pure.
#include "vmm/pc/kernels.h"
#include <string.h>

#define HEADER_MAGIC          0x1badb002u // 3.1.1
#define SEARCH_BYTES          8192u       // 3.1: the header lies in the first 8192 bytes
#define HEADER_BYTES          12u
#define HEADER_FIELDS         32u // with the address fields
// 3.1.2: bits 0-15 must be understood or refused. Known are 0 (modules on page boundaries: always so here), 1 (memory
// information: always given) and 2 (video mode wanted). Bit 2 is answered by leaving the video part of the information
// structure absent, which is what a PC without a graphics card and QEMU's own loader do.
#define FLAGS_KNOWN           0x0007u
#define FLAGS_REQUIRED        0xffffu

// 3.3: the information structure, offsets of its fields and bits of its first word.
#define INFO_BYTES            116u
#define INFO_MEM_LOWER        4u
#define INFO_MEM_UPPER        8u
#define INFO_CMDLINE          16u
#define INFO_MODS_COUNT       20u
#define INFO_MODS_ADDR        24u
#define INFO_MMAP_LENGTH      44u
#define INFO_MMAP_ADDR        48u
#define INFO_BOOT_LOADER_NAME 64u
#define INFO_HAS_MEMORY       (1u << 0)
#define INFO_HAS_CMDLINE      (1u << 2)
#define INFO_HAS_MODS         (1u << 3)
#define INFO_HAS_MMAP         (1u << 6)
#define INFO_HAS_LOADER_NAME  (1u << 9)
#define MODULE_BYTES          16u
#define MMAP_BYTES            24u
#define MMAP_ENTRIES_MAX      4u
#define MMAP_RAM              1u
#define MMAP_RESERVED         2u

static const char loader_name[] = "Escapement";

enum multiboot1_search multiboot1_find(const struct image *image, struct multiboot1_header *header)
{
    enum multiboot1_search found = MULTIBOOT1_NONE;

    for (uint64_t at = 0; at + HEADER_BYTES <= SEARCH_BYTES && image_has(image, at, HEADER_BYTES); at += 4) {
        if (image_32(image, at) != HEADER_MAGIC)
            continue;
        uint32_t flags = image_32(image, at + 4);
        if (flags + image_32(image, at + 8) + HEADER_MAGIC != 0) {
            if (found == MULTIBOOT1_NONE)
                *header = (struct multiboot1_header){ .offset = at };
            found = MULTIBOOT1_DAMAGED;
            continue;
        }
        *header = (struct multiboot1_header){ .offset = at, .flags = flags };
        return MULTIBOOT1_FOUND;
    }
    return found;
}

bool multiboot1_check(struct loading *l, const struct multiboot1_header *header)
{
    uint32_t unknown = header->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN;

    if (unknown != 0)
        return REFUSE(l, "%s requires multiboot1 features (flag bits 0x%x) that this version does not have",
                      l->input->kernel.name, unknown);
    return true;
}

// Reads the address fields behind the header's three words (3.1.3).
static bool read_fields(struct loading *l, const struct multiboot1_header *found, struct multiboot1_header *header)
{
    const struct image *image = &l->input->kernel;
    uint64_t at = found->offset;

    if (at + HEADER_FIELDS > SEARCH_BYTES || !image_has(image, at, HEADER_FIELDS))
        return REFUSE(l, "%s is truncated: its multiboot1 header at offset %lu has no room for the address fields",
                      image->name, at);
    *header = (struct multiboot1_header){
        .offset = at,
        .flags = found->flags,
        .header_addr = image_32(image, at + 12),
        .load_addr = image_32(image, at + 16),
        .load_end_addr = image_32(image, at + 20),
        .bss_end_addr = image_32(image, at + 24),
        .entry_addr = image_32(image, at + 28),
    };
    return true;
}

bool multiboot1_load_fields(struct loading *l, const struct multiboot1_header *found, uint64_t *entry)
{
    const struct image *image = &l->input->kernel;
    struct multiboot1_header h;

    if (!read_fields(l, found, &h))
        return false;
    if (h.load_addr > h.header_addr || h.header_addr - h.load_addr > h.offset)
        return REFUSE(l, "%s is damaged: its multiboot1 header at 0x%x cannot belong to a load address of 0x%x",
                      image->name, h.header_addr, h.load_addr);
    uint64_t offset = h.offset - (h.header_addr - h.load_addr);
    // A load_end_addr of 0 means: all of the file. 0 as bss_end_addr means: no bss.
    uint64_t load_end = h.load_end_addr != 0 ? h.load_end_addr : h.load_addr + (image->size - offset);
    uint64_t bss_end = h.bss_end_addr != 0 ? h.bss_end_addr : load_end;
    if (load_end <= h.load_addr || bss_end < load_end)
        return REFUSE(l, "%s is damaged: multiboot1 addresses out of order: load 0x%x, load end 0x%lx, bss end 0x%lx",
                      image->name, h.load_addr, load_end, bss_end);
    uint64_t bytes = load_end - h.load_addr;
    if (!image_has(image, offset, bytes))
        return REFUSE(l, "%s is truncated: its multiboot1 header asks for %lu bytes at offset %lu, the file has %lu",
                      image->name, bytes, offset, image->size);
    if (!loader_take_segment(l, h.load_addr, bss_end - h.load_addr))
        return false;
    if (!loader_in_kernel(l, h.entry_addr))
        return REFUSE(l, "%s is damaged: its entry 0x%x is outside of what it loads", image->name, h.entry_addr);
    uint8_t *at = loader_memory(l, h.load_addr, bss_end - h.load_addr);
    memcpy(at, image->data + offset, bytes);
    memset(at + bytes, 0, bss_end - load_end);
    *entry = h.entry_addr;
    return true;
}

// Where the next piece of boot information goes.
struct cursor {
    const struct loading *l;
    uint64_t at;
};

static void put_32(struct cursor *cursor, uint64_t value)
{
    uint32_t word = (uint32_t)value; // guest addresses here are below mem=, at most 2 GiB

    memcpy(loader_memory(cursor->l, cursor->at, sizeof(word)), &word, sizeof(word));
    cursor->at += sizeof(word);
}

static void put_bytes(struct cursor *cursor, const void *bytes, uint64_t count)
{
    memcpy(loader_memory(cursor->l, cursor->at, count), bytes, count);
    cursor->at += count;
}

// 3.3, mmap_addr: the entry's size does not count the size field itself.
static void put_mmap(struct cursor *cursor, uint64_t start, uint64_t end, uint32_t type)
{
    if (start >= end)
        return;
    put_32(cursor, MMAP_BYTES - 4);
    put_32(cursor, start);
    put_32(cursor, 0);
    put_32(cursor, end - start);
    put_32(cursor, 0);
    put_32(cursor, type);
}

// The kernel's highest byte decides where modules begin: what follows a kernel is where it expects them.
static uint64_t kernel_top(const struct loading *l)
{
    uint64_t top = HIGH_RAM;

    for (unsigned i = l->kernel_first; i < l->kernel_end; i++) {
        if (l->taken[i].end > top)
            top = l->taken[i].end;
    }
    return top;
}

static const char *module_string(const struct loader_input *input, unsigned index)
{
    return input->module_args[index] ? input->module_args[index] : input->module[index].name;
}

static bool copy_modules(struct loading *l, uint64_t *start)
{
    for (unsigned i = 0; i < l->input->module_count; i++) {
        const struct image *module = &l->input->module[i];
        start[i] = loader_place(l, module->size, PAGE_SIZE, kernel_top(l));
        if (start[i] == 0)
            return REFUSE(l, "module %s has %lu KiB and does not fit above the kernel; the VM has %lu KiB (mem=)",
                          module->name, module->size / KIB + (module->size % KIB != 0), l->ram.size / KIB);
        if (module->size != 0)
            memcpy(loader_memory(l, start[i], module->size), module->data, module->size);
    }
    return true;
}

// All of the structure, its tables and its strings, in bytes.
static uint64_t info_bytes(const struct loader_input *input)
{
    uint64_t bytes = INFO_BYTES + MMAP_ENTRIES_MAX * MMAP_BYTES + input->module_count * MODULE_BYTES +
                     sizeof(loader_name) + strlen(input->kernel.name) + 1 + strlen(input->cmdline) + 1;

    for (unsigned i = 0; i < input->module_count; i++)
        bytes += strlen(module_string(input, i)) + 1;
    return bytes;
}

static void set_field(struct loading *l, uint64_t info, uint32_t offset, uint64_t value)
{
    struct cursor field = { l, info + offset };

    put_32(&field, value);
}

// The memory map: what a PC's firmware would report, without holes that are not there.
static void write_memory(struct loading *l, uint64_t info, struct cursor *cursor)
{
    uint64_t mem = l->ram.size, mmap = cursor->at;

    put_mmap(cursor, 0, LOW_RAM_END, MMAP_RAM);
    put_mmap(cursor, LOW_RAM_END, ROM_START, MMAP_RESERVED);
    put_mmap(cursor, GUEST_ACPI_BASE, HIGH_RAM, MMAP_RESERVED);
    put_mmap(cursor, HIGH_RAM, mem, MMAP_RAM);
    set_field(l, info, INFO_MMAP_ADDR, mmap);
    set_field(l, info, INFO_MMAP_LENGTH, cursor->at - mmap);
    set_field(l, info, INFO_MEM_LOWER, LOW_RAM_END / KIB);
    set_field(l, info, INFO_MEM_UPPER, (mem - HIGH_RAM) / KIB);
}

static void write_modules(struct loading *l, uint64_t info, struct cursor *cursor, const uint64_t *start)
{
    const struct loader_input *input = l->input;
    struct cursor list = *cursor;

    set_field(l, info, INFO_MODS_COUNT, input->module_count);
    set_field(l, info, INFO_MODS_ADDR, input->module_count ? list.at : 0);
    cursor->at += input->module_count * MODULE_BYTES;
    for (unsigned i = 0; i < input->module_count; i++) {
        put_32(&list, start[i]);
        put_32(&list, start[i] + input->module[i].size);
        put_32(&list, cursor->at);
        put_32(&list, 0);
        put_bytes(cursor, module_string(input, i), strlen(module_string(input, i)) + 1);
    }
}

bool multiboot1_inform(struct loading *l, uint64_t *info)
{
    const struct loader_input *input = l->input;
    uint64_t start[LOADER_MODULES_MAX];
    uint64_t bytes = info_bytes(input);

    if (!copy_modules(l, start))
        return false;
    *info = loader_place(l, bytes, 16, LOADER_OWN_LOW);
    if (*info == 0)
        return REFUSE(l, "no %lu bytes of guest memory are left for boot information; give the VM more (mem=)", bytes);
    struct cursor cursor = { l, *info + INFO_BYTES };
    memset(loader_memory(l, *info, bytes), 0, bytes);
    set_field(l, *info, 0, INFO_HAS_MEMORY | INFO_HAS_CMDLINE | INFO_HAS_MODS | INFO_HAS_MMAP | INFO_HAS_LOADER_NAME);
    write_memory(l, *info, &cursor);
    write_modules(l, *info, &cursor, start);
    set_field(l, *info, INFO_BOOT_LOADER_NAME, cursor.at);
    put_bytes(&cursor, loader_name, sizeof(loader_name));
    set_field(l, *info, INFO_CMDLINE, cursor.at);
    put_bytes(&cursor, input->kernel.name, strlen(input->kernel.name));
    put_bytes(&cursor, input->cmdline[0] ? " " : "", input->cmdline[0] != 0);
    put_bytes(&cursor, input->cmdline, strlen(input->cmdline) + 1);
    return true;
}
