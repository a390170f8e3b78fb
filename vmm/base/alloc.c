// SPDX-License-Identifier: MIT
// The host's page frames: fills the list of frames.c from the memory map at boot and hands pages out. Called on the
// boot CPU with interrupts off. What comes back may hold a guest's registers or devices: it is cleared here, in the one
// place that all of it passes, but for a guest's memory, which its window clears. What is handed out is not cleared.
#include "vmm/base/alloc.h"

#include <string.h>

#include "vmm/base/bootinfo.h"
#include "vmm/base/panic.h"

extern const char image_start[], image_end[]; // the linker script

static struct frames frames;

static void reserve(uint64_t start, uint64_t end)
{
    if (!frames_reserve(&frames, start, end))
        panic("the memory map has more than %u pieces", FRAME_RANGES_MAX);
}

void alloc_init(const struct bootinfo *info)
{
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        if (range->type == MEMORY_USABLE && !frames_add(&frames, range->start, range->end))
            panic("the memory map has more than %u pieces", FRAME_RANGES_MAX);
    }
    // Firmware maps overlap now and then: what any entry calls not usable is not used.
    for (uint32_t i = 0; i < info->memory_count; i++) {
        if (info->memory[i].type != MEMORY_USABLE)
            reserve(info->memory[i].start, info->memory[i].end);
    }
    reserve(MEMORY_MAPPED_END, UINT64_MAX);
    reserve((uintptr_t)image_start, (uintptr_t)image_end);
    reserve(info->info_start, info->info_end);
    for (uint32_t i = 0; i < info->module_count; i++)
        reserve(info->modules[i].start.value, info->modules[i].start.value + info->modules[i].size);
}

hpa alloc_pages(size_t count, size_t align_pages)
{
    return (hpa){ frames_alloc(&frames, count, align_pages) };
}

hpa alloc_clear_page(void)
{
    hpa page = alloc_pages(1, 1);
    if (page.value != 0)
        memset((void *)page.value, 0, PAGE_SIZE);
    return page;
}

void free_pages(hpa start, size_t count)
{
    memset((void *)start.value, 0, count * PAGE_SIZE);
    free_clean_pages(start, count);
}

void free_clean_pages(hpa start, size_t count)
{
    frames_free(&frames, start.value, count);
}

uint64_t alloc_free_bytes(void)
{
    return frames.free_bytes;
}

uint64_t alloc_used_bytes(void)
{
    return frames.used_bytes;
}
