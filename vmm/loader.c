// SPDX-License-Identifier: MIT
// What every loader needs, whatever the machine: reads of the image, the list of guest memory that is taken, and
// sentences about files that are no kernels at all. pc/loader.c says what a PC's kernels are. Pure; writes nothing.
#include "vmm/loader_image.h"
#include <string.h>

// Kinds of files that people hand to a loader by mistake, by their first bytes.
static const struct foreign {
    const char *magic;
    uint8_t length;
    const char *sentence; // after the image's name
} foreigners[] = {
    { "\x1f\x8b", 2, "is gzip-compressed; unpack it first (gunzip)" },
    { "\xfd"
      "7zXZ",
      5, "is xz-compressed; unpack it first (unxz)" },
    { "\x28\xb5\x2f\xfd", 4, "is zstd-compressed; unpack it first (unzstd)" },
    { "BZh", 3, "is bzip2-compressed; unpack it first (bunzip2)" },
    { "#!", 2, "is a script, not a kernel" },
    { "!<arch>", 7, "is a library archive, not a kernel" },
};

uint16_t image_16(const struct image *image, uint64_t offset)
{
    uint16_t value;

    memcpy(&value, image->data + offset, sizeof(value));
    return value;
}

uint32_t image_32(const struct image *image, uint64_t offset)
{
    uint32_t value;

    memcpy(&value, image->data + offset, sizeof(value));
    return value;
}

uint64_t image_64(const struct image *image, uint64_t offset)
{
    uint64_t value;

    memcpy(&value, image->data + offset, sizeof(value));
    return value;
}

bool image_has(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

static bool overlaps(struct span a, uint64_t start, uint64_t end)
{
    return start < a.end && a.start < end;
}

void loader_take(struct loading *l, uint64_t start, uint64_t end, const char *what)
{
    l->taken[l->taken_count++] = (struct span){ start, end, what };
}

bool loader_begin(struct loading *l)
{
    if (l->input->module_count > LOADER_MODULES_MAX)
        return REFUSE(l, "%u modules are given; at most %u are possible", l->input->module_count, LOADER_MODULES_MAX);
    l->kernel_first = l->kernel_end = l->taken_count;
    return true;
}

static bool in_ram(struct loading *l, uint64_t start, uint64_t size)
{
    const char *name = l->input->kernel.name;
    uint64_t base = l->ram.base, mem = l->ram.size, offset = start - base;

    if (offset <= mem && size <= mem - offset)
        return true;
    if (start < base)
        return REFUSE(l, "%s wants %lu KiB at 0x%lx, but the VM's memory begins at 0x%lx", name,
                      size / KIB + (size % KIB != 0), start, base);
    if (offset < mem && size <= UINT64_MAX - offset)
        return REFUSE(l, "%s needs %lu KiB of guest memory, but the VM has %lu KiB (mem=)", name,
                      (offset + size - 1) / KIB + 1, mem / KIB);
    return REFUSE(l, "%s wants %lu KiB at 0x%lx, but the VM has %lu KiB (mem=)", name, size / KIB + (size % KIB != 0),
                  start, mem / KIB);
}

bool loader_take_segment(struct loading *l, uint64_t start, uint64_t size)
{
    const char *name = l->input->kernel.name;

    if (!in_ram(l, start, size))
        return false;
    for (unsigned i = 0; i < l->kernel_first; i++) {
        if (overlaps(l->taken[i], start, start + size))
            return REFUSE(l, "%s wants to be loaded at 0x%lx-0x%lx, over %s", name, start, start + size - 1,
                          l->taken[i].what);
    }
    for (unsigned i = l->kernel_first; i < l->kernel_end; i++) {
        if (overlaps(l->taken[i], start, start + size))
            return REFUSE(l, "%s is damaged: its segments at 0x%lx and 0x%lx overlap", name, l->taken[i].start, start);
    }
    if (l->kernel_end - l->kernel_first == LOADER_SEGMENTS_MAX)
        return REFUSE(l, "%s has more than %u segments to load", name, LOADER_SEGMENTS_MAX);
    loader_take(l, start, start + size, NULL);
    l->kernel_end = l->taken_count;
    return true;
}

bool loader_in_kernel(const struct loading *l, uint64_t address)
{
    for (unsigned i = l->kernel_first; i < l->kernel_end; i++) {
        if (address >= l->taken[i].start && address < l->taken[i].end)
            return true;
    }
    return false;
}

uint64_t loader_place(struct loading *l, uint64_t size, uint64_t align, uint64_t from)
{
    uint64_t end = l->ram.base + l->ram.size, first = from > l->ram.base ? from : l->ram.base;
    uint64_t at = (first + align - 1) & ~(align - 1);

    // Each pass that hits a taken span moves beyond it for good, so there are at most taken_count of them.
    for (unsigned i = 0; i < l->taken_count;) {
        if (at >= end || size > end - at)
            return 0;
        if (overlaps(l->taken[i], at, at + size)) {
            at = (l->taken[i].end + align - 1) & ~(align - 1);
            i = 0;
        } else {
            i++;
        }
    }
    if (at >= end || size > end - at || l->taken_count == LOADER_SPANS_MAX)
        return 0;
    loader_take(l, at, at + size, NULL);
    return at;
}

static bool is_text(const struct image *image)
{
    uint64_t looked_at = image->size < 512 ? image->size : 512;

    for (uint64_t i = 0; i < looked_at; i++) {
        uint8_t byte = image->data[i];
        if (byte != '\t' && byte != '\n' && byte != '\r' && (byte < ' ' || byte > '~'))
            return false;
    }
    return true;
}

bool loader_refuse_foreign(struct loading *l)
{
    const struct image *image = &l->input->kernel;

    if (image->size == 0)
        return REFUSE(l, "%s is empty", image->name);
    for (size_t i = 0; i < sizeof(foreigners) / sizeof(foreigners[0]); i++) {
        if (image_has(image, 0, foreigners[i].length) &&
            memcmp(image->data, foreigners[i].magic, foreigners[i].length) == 0)
            return REFUSE(l, "%s %s", image->name, foreigners[i].sentence);
    }
    if (is_text(image))
        return REFUSE(l, "%s is a text file, not a kernel", image->name);
    return true;
}

uint64_t loader_initrd_bytes(const struct loader_input *input)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < input->module_count; i++)
        bytes = ((bytes + 3) & ~UINT64_C(3)) + input->module[i].size;
    return bytes;
}

void loader_copy_initrd(struct loading *l, uint64_t at)
{
    const struct loader_input *input = l->input;

    for (unsigned i = 0; i < input->module_count; i++) {
        at = (at + 3) & ~UINT64_C(3);
        if (input->module[i].size != 0)
            memcpy(loader_memory(l, at, input->module[i].size), input->module[i].data, input->module[i].size);
        at += input->module[i].size;
    }
}
