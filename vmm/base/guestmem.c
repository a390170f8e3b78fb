// SPDX-License-Identifier: MIT
// A VM's memory, from the frames to the window and back: see guestmem.h. Called when a VM begins and ends.
#include "vmm/base/guestmem.h"

#include "arch/host.h"
#include "vmm/base/alloc.h"

static size_t pages_of(uint64_t size)
{
    return guestmem_whole(size) / PAGE_SIZE;
}

bool guestmem_open(struct guest_ram *ram, uint64_t size, uint64_t base)
{
    *ram = (struct guest_ram){ .base = base };
    hpa frames = alloc_pages(pages_of(size), GUESTMEM_UNIT / PAGE_SIZE);
    if (frames.value == 0)
        return false;
    void *window = arch_window_open(frames, size);
    if (window == NULL) {
        free_pages(frames, pages_of(size));
        return false;
    }
    *ram = (struct guest_ram){ .host = window, .size = size, .base = base, .frames = frames };
    return true;
}

void guestmem_close(struct guest_ram *ram)
{
    if (ram->size == 0)
        return;
    arch_window_close(ram->host, ram->frames, ram->size);
    free_clean_pages(ram->frames, pages_of(ram->size));
    ram->size = 0;
}
