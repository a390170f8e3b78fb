// SPDX-License-Identifier: MIT
// Guest-physical memory. The monitor's own map leaves it out: it is seen through a window, which lies alone in the
// address space, so a wrong pointer of the monitor's does not reach a guest, and an access that runs over a guest's end
// reaches nothing. This is the only way from a gpa to a pointer, and it is checked.
#ifndef VMM_BASE_GUESTMEM_H
#define VMM_BASE_GUESTMEM_H

#include "vmm/base/types.h"

#define GUESTMEM_UNIT (2 * MIB) // frames are taken in whole units: nested tables, too, can use large pages

// How many bytes of whole units `size` takes.
static inline uint64_t guestmem_whole(uint64_t size)
{
    return (size + GUESTMEM_UNIT - 1) / GUESTMEM_UNIT * GUESTMEM_UNIT;
}

// `size` bytes of zeros at guest-physical `base`; size is a multiple of PAGE_SIZE and not 0. False: there is too little
// memory, or not in one piece, and *ram has size 0.
bool guestmem_open(struct guest_ram *ram, uint64_t size, uint64_t base);

// Clears it and gives it back; of size 0 it is nothing.
void guestmem_close(struct guest_ram *ram);

// A pointer to `size` bytes of guest RAM at `address`, null when any of them is not RAM.
static inline void *guest_pointer(struct guest_ram ram, gpa address, uint64_t size)
{
    uint64_t offset = address.value - ram.base;
    return size <= ram.size && offset <= ram.size - size ? ram.host + offset : NULL;
}

#endif
