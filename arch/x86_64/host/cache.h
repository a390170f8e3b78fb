// SPDX-License-Identifier: MIT
// The cache by lines.
#ifndef ARCH_X86_64_HOST_CACHE_H
#define ARCH_X86_64_HOST_CACHE_H

#include <stdint.h>

// What was written there is in memory, and stays when a reset empties the caches.
void cache_to_memory(const void *start, uint64_t bytes);

#endif
