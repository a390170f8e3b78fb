// SPDX-License-Identifier: MIT
// Multiboot1 information (specification 0.6.96, chapter 3.3) into struct bootinfo. Pure: called by early.c with the
// host's memory and by the native tests with a buffer. What the loader wrote lies in many places; each is looked at
// inside the window only, and counts towards the memory that is kept.
#include "boot/x86_64/multiboot1.h"

#include "boot/x86_64/multiboot.h"
#include "vmm/base/format.h"

#define INFO_BYTES       68u // to the loader's name
#define CMDLINE          16u
#define MODS_COUNT       20u
#define MODS_ADDR        24u
#define MMAP_LENGTH      44u
#define MMAP_ADDR        48u
#define LOADER_NAME      64u
#define HAS_CMDLINE      (1u << 2)
#define HAS_MODS         (1u << 3)
#define HAS_MMAP         (1u << 6)
#define HAS_LOADER_NAME  (1u << 9)
#define MODULE_BYTES     16u
#define MMAP_SIZE_BYTES  4u  // each entry's length stands before it and does not count itself
#define STRING_BYTES_MAX (1u << 20)

// These are far above any real ones: a bad length must not cost minutes.
#define MODS_MAX       1024u
#define MMAP_BYTES_MAX 65536u

// Memory below 1 MiB is never handed out, so it need not be named.
static void keep(struct bootinfo *out, uint64_t start, uint64_t size)
{
    if (start < MIB)
        return;
    if (out->info_end == 0 || start < out->info_start)
        out->info_start = start;
    if (start + size > out->info_end)
        out->info_end = start + size;
}

// Null when it has no end inside the window, or is longer than any line can be.
static const char *string_at(const struct memory_window *memory, uint32_t at, struct bootinfo *out)
{
    uint64_t left = at < memory->end ? memory->end - at : 0;
    size_t most = left < STRING_BYTES_MAX ? left : STRING_BYTES_MAX;
    const char *string = (const char *)window_view(memory, at, most);
    const char *end = string != NULL ? memchr(string, 0, most) : NULL;
    if (end == NULL)
        return NULL;
    keep(out, at, (uint64_t)(end - string) + 1);
    return string;
}

static bool parse_modules(const struct memory_window *memory, const uint8_t *info, struct bootinfo *out)
{
    uint32_t count = multiboot_read32(info + MODS_COUNT), at = multiboot_read32(info + MODS_ADDR);
    if (count == 0)
        return true;
    const uint8_t *list = count <= MODS_MAX ? window_view(memory, at, (uint64_t)count * MODULE_BYTES) : NULL;
    if (list == NULL)
        return false;
    keep(out, at, (uint64_t)count * MODULE_BYTES);
    for (uint32_t i = 0; i < count; i++, list += MODULE_BYTES) {
        uint32_t start = multiboot_read32(list), end = multiboot_read32(list + 4), string = multiboot_read32(list + 8);
        const char *words = string == 0 ? "" : string_at(memory, string, out);
        if (words == NULL || end < start)
            return false;
        if (out->module_count == BOOT_MODULES_MAX)
            out->modules_ignored++;
        else
            out->modules[out->module_count++] = (struct boot_module){ { start }, end - start, words };
    }
    return true;
}

static bool parse_memory_map(const struct memory_window *memory, const uint8_t *info, struct bootinfo *out)
{
    uint32_t left = multiboot_read32(info + MMAP_LENGTH);
    const uint8_t *entry = window_view(memory, multiboot_read32(info + MMAP_ADDR), left);
    if (entry == NULL || left > MMAP_BYTES_MAX)
        return false;
    while (left >= MMAP_SIZE_BYTES + MULTIBOOT_MEMORY_BYTES) {
        uint32_t size = multiboot_read32(entry);
        if (size < MULTIBOOT_MEMORY_BYTES || size > left - MMAP_SIZE_BYTES)
            return false;
        multiboot_add_memory(out, entry + MMAP_SIZE_BYTES);
        entry += MMAP_SIZE_BYTES + size;
        left -= MMAP_SIZE_BYTES + size;
    }
    return left == 0;
}

static bool parse_string(const struct memory_window *memory, uint32_t at, struct bootinfo *out, const char **string)
{
    *string = string_at(memory, at, out);
    return *string != NULL;
}

// The name of what is damaged, or null.
static const char *parse_parts(const struct memory_window *memory, const uint8_t *info, struct bootinfo *out)
{
    uint32_t flags = multiboot_read32(info);
    if ((flags & HAS_CMDLINE) != 0 && !parse_string(memory, multiboot_read32(info + CMDLINE), out, &out->cmdline))
        return "command line";
    if ((flags & HAS_LOADER_NAME) != 0 &&
        !parse_string(memory, multiboot_read32(info + LOADER_NAME), out, &out->loader))
        return "loader's name";
    if ((flags & HAS_MODS) != 0 && !parse_modules(memory, info, out))
        return "list of modules";
    return (flags & HAS_MMAP) != 0 && !parse_memory_map(memory, info, out) ? "memory map" : NULL;
}

static const char *after_file_name(const char *string)
{
    const char *blank = memchr(string, ' ', strlen(string));
    return blank == NULL ? "" : blank + 1;
}

static void drop_file_names(struct bootinfo *out)
{
    out->cmdline = after_file_name(out->cmdline);
    for (uint32_t i = 0; i < out->module_count; i++)
        out->modules[i].string = after_file_name(out->modules[i].string);
}

bool multiboot1_parse(const struct memory_window *memory, uint32_t at, struct bootinfo *out, struct refusal *refusal)
{
    memset(out, 0, sizeof(*out));
    out->cmdline = "";
    out->loader = "unknown";
    const uint8_t *info = window_view(memory, at, INFO_BYTES);
    const char *damaged = info != NULL ? parse_parts(memory, info, out) : "address";
    if (damaged != NULL)
        return REFUSAL(refusal, "the boot information at %#x is damaged: its %s", at, damaged);
    if (strlen(out->loader) == 4 && memcmp(out->loader, "qemu", 4) == 0)
        drop_file_names(out);
    return true;
}
