// SPDX-License-Identifier: MIT
// The memory functions that the compiler itself may call, and strlen. Only the kernel image links this file; the host
// tests use their C library's. The bulk is `rep movsb/stosb`: fast on every CPU with ERMS, and short.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *cursor = to;
    __asm__ volatile("rep movsb" : "+D"(cursor), "+S"(from), "+c"(size) : : "memory");
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *cursor = to;
    __asm__ volatile("rep stosb" : "+D"(cursor), "+c"(size) : "a"(byte) : "memory");
    return to;
}

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
