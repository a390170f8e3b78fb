// SPDX-License-Identifier: MIT
// What the loader's files share: one load in progress, the guest memory it has taken so far, and little-endian reads of
// an image that never leave it. Only loaders include this.
#ifndef VMM_LOADER_IMAGE_H
#define VMM_LOADER_IMAGE_H

#include "vmm/base/format.h"
#include "vmm/base/guestmem.h"
#include "vmm/loader.h"

#define LOADER_SEGMENTS_MAX   32
#define LOADER_SPANS_MAX      64 // segments, modules, areas that are no RAM, what the loader itself adds

struct span {
    uint64_t start, end;
    const char *what; // an area that no kernel may have, for the sentence
};

struct loading {
    const struct loader_input *input;
    struct guest_ram ram;
    struct refusal *refusal;
    struct span taken[LOADER_SPANS_MAX];
    unsigned taken_count;
    unsigned kernel_first; // taken[kernel_first..kernel_end) are the kernel's segments
    unsigned kernel_end;
};

// Puts the sentence together; always false, to be returned.
#define REFUSE(l, ...) REFUSAL((l)->refusal, __VA_ARGS__)

// Little-endian reads; the caller has checked that offset + width <= size.
uint16_t image_16(const struct image *image, uint64_t offset);
uint32_t image_32(const struct image *image, uint64_t offset);
uint64_t image_64(const struct image *image, uint64_t offset);

// Are bytes [offset, offset + size) inside the image? No argument overflows it.
bool image_has(const struct image *image, uint64_t offset, uint64_t size);

// Takes an area, before loader_begin(), that no kernel may have: `what` ends the sentence about one that wants it.
void loader_take(struct loading *l, uint64_t start, uint64_t end, const char *what);

// What is taken from here on are the kernel's segments.
bool loader_begin(struct loading *l);

// Refuses a file that is a kernel on no machine: compressed, a script, text, empty. True: it may be one.
bool loader_refuse_foreign(struct loading *l);

// `size` bytes of guest memory that is taken.
static inline uint8_t *loader_memory(const struct loading *l, uint64_t address, uint64_t size)
{
    return guest_pointer(l->ram, (gpa){ address }, size);
}

// Takes [start, start + size) of guest memory for one of the kernel's segments. Refuses what lies outside of RAM, in an
// area that is not RAM, or over another segment.
bool loader_take_segment(struct loading *l, uint64_t start, uint64_t size);

// Is the guest address inside one of the kernel's segments?
bool loader_in_kernel(const struct loading *l, uint64_t address);

// The first free place of `size` bytes in [from, RAM's end), taken; 0 when there is none. align is a power of two.
uint64_t loader_place(struct loading *l, uint64_t size, uint64_t align, uint64_t from);

// The modules as one initrd: Linux takes several archives, one after the other, each beginning at a multiple of 4.
uint64_t loader_initrd_bytes(const struct loader_input *input);
void     loader_copy_initrd(struct loading *l, uint64_t at);

#endif
