// SPDX-License-Identifier: MIT
// The memory functions that the compiler itself may call and strlen, but for the two that an architecture has
// instructions for: memcpy and memset are in its own string.c. Only the monitor links this file; the native tests
// use their C library's.
#include <stdint.h>
#include <string.h>

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    for (size_t i = size; i > 0; i--) // the ranges overlap and `to` is behind `from`: last byte first
        ((volatile uint8_t *)to)[i - 1] = ((const uint8_t *)from)[i - 1];
    return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

void *memchr(const void *from, int byte, size_t size)
{
    const uint8_t *bytes = from;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == (uint8_t)byte)
            return (void *)(uintptr_t)&bytes[i];
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (((const volatile char *)text)[n] != 0)
        n++;
    return n;
}
