// SPDX-License-Identifier: MIT
// FNV-1a in 64 bits (Fowler, Noll, Vo): a fingerprint of bytes, or of words that are hashed as one each.
#ifndef VMM_BASE_FNV_H
#define VMM_BASE_FNV_H

#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t fnv_add(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

#endif
