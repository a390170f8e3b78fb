// SPDX-License-Identifier: MIT
// Page frames of the host: what the memory map calls usable, less the image, the modules and the boot information.
// First fit over a short sorted list of free ranges, lowest address first.
#ifndef VMM_BASE_ALLOC_H
#define VMM_BASE_ALLOC_H

#include "vmm/base/types.h"

// --- the core: pure, a struct and arithmetic, tested natively --------------------------------------------------------

#define FRAME_RANGES_MAX 256

struct frame_range {
    uint64_t start, end; // page aligned, start < end
};

struct frames {
    uint64_t           free_bytes, used_bytes, lost_bytes; // lost: given back when the list was full
    uint32_t           count;
    uint32_t           reserved;
    struct frame_range free[FRAME_RANGES_MAX]; // sorted, never touching
};

// Adds [start, end), shrunk to whole pages; parts that are there already are not added twice. False: the list is full.
bool frames_add(struct frames *frames, uint64_t start, uint64_t end);

// Takes [start, end), grown to whole pages, out of the free ranges: it will never be handed out.
bool frames_reserve(struct frames *frames, uint64_t start, uint64_t end);

// The lowest `count` contiguous pages whose address is a multiple of align_pages (a power of two), 0 when there are
// none.
uint64_t frames_alloc(struct frames *frames, uint64_t count, uint64_t align_pages);
void     frames_free(struct frames *frames, uint64_t start, uint64_t count);

// --- the host's frames: boot CPU only, interrupts off ----------------------------------------------------------------

struct bootinfo;
void alloc_init(const struct bootinfo *info);

// Pages are not cleared. value 0: out of memory.
hpa      alloc_pages(size_t count, size_t align_pages);
hpa      alloc_clear_page(void);                    // one, all zeros
void     free_pages(hpa start, size_t count);       // clears them
void     free_clean_pages(hpa start, size_t count); // the caller has: guestmem.c, for what a guest had
uint64_t alloc_free_bytes(void);
uint64_t alloc_used_bytes(void); // handed out and not given back

#endif
