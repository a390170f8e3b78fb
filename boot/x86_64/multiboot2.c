// SPDX-License-Identifier: MIT
// Multiboot2 information (specification 2.0, chapter 3.6) into struct bootinfo. Pure: called by early.c with the
// loader's structure and by the native tests with damaged ones. Reads nothing beyond the length it is given.
#include "boot/x86_64/multiboot2.h"

#include "boot/x86_64/multiboot.h"
#include "boot/x86_64/multiboot2_tags.h"
#include "vmm/base/format.h"

#define TAG_HEADER_BYTES 8
#define INFO_BYTES_MAX   (16 * MIB) // far above any real one: a bad length must not swallow the host's memory

// A string inside a tag, null when it does not end inside it.
static const char *string_in(const uint8_t *tag, uint32_t size, uint32_t offset)
{
    return size > offset && memchr(tag + offset, 0, size - offset) != NULL ? (const char *)tag + offset : NULL;
}

static bool parse_module(const uint8_t *tag, uint32_t size, struct bootinfo *out)
{
    const char *string = string_in(tag, size, 16);
    if (string == NULL)
        return false;
    uint32_t start = multiboot_read32(tag + 8), end = multiboot_read32(tag + 12);
    if (end < start)
        return false;
    if (out->module_count == BOOT_MODULES_MAX) {
        out->modules_ignored++;
        return true;
    }
    out->modules[out->module_count++] = (struct boot_module){ { start }, end - start, string };
    return true;
}

static bool parse_memory_map(const uint8_t *tag, uint32_t size, struct bootinfo *out)
{
    if (size < 16)
        return false;
    uint32_t entry_size = multiboot_read32(tag + 8);
    if (entry_size < 24)
        return false;
    for (uint32_t at = 16; size - at >= entry_size; at += entry_size)
        multiboot_add_memory(out, tag + at);
    return true;
}

// The new tag (36 bytes) is better than the old one (20 bytes), whichever comes first.
static bool parse_rsdp(const uint8_t *tag, uint32_t size, uint32_t rsdp_size, struct acpi_rsdp *out)
{
    if (size < TAG_HEADER_BYTES + rsdp_size)
        return false;
    if (rsdp_size > out->size) {
        memcpy(out->bytes, tag + TAG_HEADER_BYTES, rsdp_size);
        out->size = rsdp_size;
    }
    return true;
}

#define FRAMEBUFFER_BYTES       31 // up to the type and the reserved byte after it
#define FRAMEBUFFER_DIRECT_END  38
#define FRAMEBUFFER_HEIGHT_MAX  16384u

static struct boot_field field_at(const uint8_t *at)
{
    return (struct boot_field){ at[0], at[1] };
}

// 3.6.12. Colours by a palette are no screen of ours; neither is one that reaches beyond the address space.
static void parse_framebuffer(const uint8_t *tag, uint32_t size, struct bootinfo *out)
{
    if (size < FRAMEBUFFER_BYTES)
        return; // nobody has to have a screen
    uint8_t type = tag[29];
    struct boot_screen screen = {
        .address = multiboot_read64(tag + 8),
        .pitch = multiboot_read32(tag + 16),
        .width = multiboot_read32(tag + 20),
        .height = multiboot_read32(tag + 24),
        .bits = tag[28],
    };
    if (type == FRAMEBUFFER_TEXT)
        screen.kind = BOOT_SCREEN_TEXT;
    else if (type == FRAMEBUFFER_DIRECT && size >= FRAMEBUFFER_DIRECT_END)
        screen.kind = BOOT_SCREEN_PIXELS;
    if (screen.kind == BOOT_SCREEN_PIXELS) {
        screen.red = field_at(tag + 32);
        screen.green = field_at(tag + 34);
        screen.blue = field_at(tag + 36);
    }
    if (screen.height <= FRAMEBUFFER_HEIGHT_MAX &&
        screen.address < BOOT_SCREEN_END - boot_screen_bytes(&screen))
        out->screen = screen;
}

static bool parse_string(const uint8_t *tag, uint32_t size, const char **out)
{
    const char *string = string_in(tag, size, TAG_HEADER_BYTES);
    if (string == NULL)
        return false;
    *out = string;
    return true;
}

static bool parse_tag(uint32_t type, const uint8_t *tag, uint32_t size, struct bootinfo *out,
                      struct acpi_rsdp *rsdp)
{
    switch (type) {
    case TAG_CMDLINE: return parse_string(tag, size, &out->cmdline);
    case TAG_LOADER: return parse_string(tag, size, &out->loader);
    case TAG_MODULE: return parse_module(tag, size, out);
    case TAG_MEMORY_MAP: return parse_memory_map(tag, size, out);
    case TAG_FRAMEBUFFER: parse_framebuffer(tag, size, out); return true;
    case TAG_EFI_TABLE: out->is_uefi = true; return true;
    case TAG_ACPI_OLD: return parse_rsdp(tag, size, 20, rsdp);
    case TAG_ACPI_NEW: return parse_rsdp(tag, size, 36, rsdp);
    default: return true;
    }
}

bool multiboot2_parse(const void *info, uint64_t readable, struct bootinfo *out, struct acpi_rsdp *rsdp,
                      struct refusal *refusal)
{
    const uint8_t *base = info;
    memset(out, 0, sizeof(*out));
    memset(rsdp, 0, sizeof(*rsdp));
    out->cmdline = "";
    out->loader = "unknown";
    uint32_t total = readable >= 8 ? multiboot_read32(base) : 0;
    if (total < 16 || total > readable || total > INFO_BYTES_MAX)
        return REFUSAL(refusal, "the boot information claims %u bytes; 16 to %lu are possible", total,
                       readable < INFO_BYTES_MAX ? readable : INFO_BYTES_MAX);
    out->info_start = (uintptr_t)base;
    out->info_end = out->info_start + total;
    uint32_t at = 8;
    while (total - at >= TAG_HEADER_BYTES) {
        uint32_t type = multiboot_read32(base + at), size = multiboot_read32(base + at + 4);
        if (type == TAG_END)
            return true;
        if (size < TAG_HEADER_BYTES || size > total - at || !parse_tag(type, base + at, size, out, rsdp))
            return REFUSAL(refusal, "the boot information is damaged: tag type %u at offset %u, %u bytes", type, at,
                           size);
        uint32_t step = (size + 7) & ~7u; // 3.6.1: tags start at multiples of 8
        at = step > total - at ? total : at + step;
    }
    return REFUSAL(refusal, "the boot information of %u bytes has no end tag", total);
}
