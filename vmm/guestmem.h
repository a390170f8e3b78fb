// SPDX-License-Identifier: MIT
// Guest-physical memory, checked: the only way from a gpa to a pointer.
#ifndef VMM_GUESTMEM_H
#define VMM_GUESTMEM_H

#include "vmm/types.h"

// A pointer to `size` bytes of guest RAM at `address`, null when any of them is not RAM.
static inline void *guest_pointer(struct guest_ram ram, gpa address, uint64_t size)
{
    uint64_t offset = address.value - ram.base;
    return size <= ram.size && offset <= ram.size - size ? ram.host + offset : NULL;
}

#endif
