// SPDX-License-Identifier: MIT
// Writes multiboot2 information: see boottags.h. Called by start.c, and by its native test, which reads it again.
#include "boot/efi/x86_64/boottags.h"

#include <string.h>

#include "boot/x86_64/multiboot2_tags.h"

#define RSDP_OLD_BYTES     20
#define MEMORY_ENTRY_BYTES 24u
#define MEMORY_HEAD_BYTES  16u

static void put(struct boottags *tags, const void *bytes, size_t size)
{
    if (size > tags->size - tags->used) {
        tags->full = true;
        return;
    }
    memcpy(tags->base + tags->used, bytes, size);
    tags->used += (uint32_t)size;
}

static void put32(struct boottags *tags, uint32_t value)
{
    put(tags, &value, sizeof(value));
}

static void put64(struct boottags *tags, uint64_t value)
{
    put(tags, &value, sizeof(value));
}

static void set32(struct boottags *tags, uint32_t at, uint32_t value)
{
    if (!tags->full)
        memcpy(tags->base + at, &value, sizeof(value));
}

// Each tag begins at a multiple of 8 with its type and its size; the bytes between two tags are zeros.
static uint32_t begin(struct boottags *tags, enum multiboot2_tag type)
{
    static const uint8_t zeros[8];
    put(tags, zeros, -tags->used & 7);
    uint32_t at = tags->used;
    put32(tags, type);
    put32(tags, 0);
    return at;
}

static void end(struct boottags *tags, uint32_t at)
{
    set32(tags, at + 4, tags->used - at);
}

void boottags_begin(struct boottags *tags, void *memory, uint32_t size)
{
    *tags = (struct boottags){ .base = memory, .size = size };
    put64(tags, 0); // the whole size, and a reserved word
}

static void put_string(struct boottags *tags, enum multiboot2_tag type, const char *text)
{
    uint32_t at = begin(tags, type);
    put(tags, text, strlen(text) + 1);
    end(tags, at);
}

void boottags_cmdline(struct boottags *tags, const char *text)
{
    put_string(tags, TAG_CMDLINE, text);
}

void boottags_loader(struct boottags *tags, const char *name)
{
    put_string(tags, TAG_LOADER, name);
}

void boottags_module(struct boottags *tags, uint32_t start, uint32_t end_address, const char *text)
{
    uint32_t at = begin(tags, TAG_MODULE);
    put32(tags, start);
    put32(tags, end_address);
    put(tags, text, strlen(text) + 1);
    end(tags, at);
}

void boottags_system_table(struct boottags *tags, uint64_t address)
{
    uint32_t at = begin(tags, TAG_EFI_TABLE);
    put64(tags, address);
    end(tags, at);
}

void boottags_rsdp(struct boottags *tags, const void *rsdp, uint32_t size)
{
    uint32_t at = begin(tags, size == RSDP_OLD_BYTES ? TAG_ACPI_OLD : TAG_ACPI_NEW);
    put(tags, rsdp, size);
    end(tags, at);
}

void boottags_framebuffer(struct boottags *tags, const struct boot_screen *screen)
{
    const uint8_t colours[] = { screen->red.at, screen->red.bits, screen->green.at, screen->green.bits, screen->blue.at,
                                screen->blue.bits };
    const uint8_t kind[] = { (uint8_t)screen->bits, FRAMEBUFFER_DIRECT, 0, 0 };
    uint32_t at = begin(tags, TAG_FRAMEBUFFER);
    put64(tags, screen->address);
    put32(tags, screen->pitch);
    put32(tags, screen->width);
    put32(tags, screen->height);
    put(tags, kind, sizeof(kind));
    put(tags, colours, sizeof(colours));
    end(tags, at);
}

void boottags_memory_begin(struct boottags *tags)
{
    begin(tags, TAG_MEMORY_MAP);
    put32(tags, MEMORY_ENTRY_BYTES);
    put32(tags, 0); // version of the entries
}

// The last entry that was added, if the new one goes on where it ends.
static bool grow_last(struct boottags *tags, uint64_t start, uint64_t bytes, uint32_t type)
{
    uint64_t last_start, last_bytes;
    uint32_t last_type;
    if (tags->full || tags->used < MEMORY_ENTRY_BYTES)
        return false;
    uint8_t *last = tags->base + tags->used - MEMORY_ENTRY_BYTES;
    memcpy(&last_start, last, 8);
    memcpy(&last_bytes, last + 8, 8);
    memcpy(&last_type, last + 16, 4);
    if (last_start + last_bytes != start || last_type != type)
        return false;
    last_bytes += bytes;
    memcpy(last + 8, &last_bytes, 8);
    return true;
}

void boottags_memory_add(struct boottags *tags, uint64_t start, uint64_t bytes, enum boottags_memory type)
{
    if (tags->entries != 0 && grow_last(tags, start, bytes, type))
        return;
    put64(tags, start);
    put64(tags, bytes);
    put32(tags, type);
    put32(tags, 0);
    tags->entries++;
}

void boottags_memory_end(struct boottags *tags)
{
    end(tags, tags->used - tags->entries * MEMORY_ENTRY_BYTES - MEMORY_HEAD_BYTES);
}

bool boottags_end(struct boottags *tags)
{
    end(tags, begin(tags, TAG_END));
    set32(tags, 0, tags->used);
    return !tags->full;
}
