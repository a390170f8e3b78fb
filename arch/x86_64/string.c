// SPDX-License-Identifier: MIT
// The memory functions that the compiler itself may call, and strlen. Only the kernel image links this file; the host
// tests use their C library's. The bulk is `rep movsq/stosq`: fast everywhere, and short; where each repetition is
// counted as one instruction, clearing a guest's RAM by words takes an eighth of the time that bytes take.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *cursor = to;
    size_t words = size / 8, rest = size % 8;
    __asm__ volatile("rep movsq" : "+D"(cursor), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(cursor), "+S"(from), "+c"(rest) : : "memory");
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *cursor = to;
    size_t words = size / 8, rest = size % 8;
    uint64_t pattern = (uint8_t)byte * UINT64_C(0x0101010101010101);
    __asm__ volatile("rep stosq" : "+D"(cursor), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(cursor), "+c"(rest) : "a"(pattern) : "memory");
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
