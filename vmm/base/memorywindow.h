// SPDX-License-Identifier: MIT
// Physical memory that a parser may read while it follows addresses that somebody else wrote: the boot loader's and the
// firmware's structures. The native tests give it a buffer.
#ifndef VMM_BASE_MEMORYWINDOW_H
#define VMM_BASE_MEMORYWINDOW_H

#include "vmm/base/types.h"

// Physical addresses start..end may be read; address A is at bias + A (modulo 2^64).
struct memory_window {
    uintptr_t bias;
    uint64_t  start, end;
};

// `size` bytes from `address`; null when they are not wholly inside.
static inline const uint8_t *window_view(const struct memory_window *memory, uint64_t address, uint64_t size)
{
    if (address < memory->start || address > memory->end || size > memory->end - address)
        return NULL;
    return (const uint8_t *)(memory->bias + (uintptr_t)address);
}

#endif
