// SPDX-License-Identifier: MIT
// The data cache by lines: what has to reach memory, and clearing by whole blocks.
#ifndef ARCH_ARM64_HOST_CACHE_H
#define ARCH_ARM64_HOST_CACHE_H

#include <stdint.h>

// What the monitor has written there is for a guest that may have its caches off.
void cache_to_memory(const void *start, uint64_t bytes);

// Zeros in whole pages, for such a guest, too. Where DC ZVA can be had it is used, so not with the MMU off.
void cache_clear_to_memory(void *start, uint64_t bytes);

#endif
