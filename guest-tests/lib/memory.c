// SPDX-License-Identifier: MIT
// What the compiler calls by itself where it clears or copies something large.
#include "guest-tests/lib/guest.h"

void *memset(void *to, int byte, size_t length);
void *memcpy(void *restrict to, const void *restrict from, size_t length);

// The empty assembly keeps the compiler from seeing a memset() in memset().
void *memset(void *to, int byte, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        ((uint8_t *)to)[i] = (uint8_t)byte;
        __asm__ volatile("" : : : "memory");
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
        __asm__ volatile("" : : : "memory");
    }
    return to;
}
