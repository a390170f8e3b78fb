// SPDX-License-Identifier: MIT
// memcpy and memset, which the compiler itself may call; the rest is in vmm/base/string.c and boot/arm64/string.c. Only
// the monitor links this file; the native tests use their C library's. Pairs of doublewords
// where they are aligned: with the MMU off (boot/arm64/early.c, boot_refused()) another access would be a fault. A
// guest's kernel is copied here, so many at once.
#include <stdint.h>
#include <string.h>

#define WORD 16u

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (((uintptr_t)out | (uintptr_t)in) % 8 == 0) {
        for (; size >= 8 * WORD; size -= 8 * WORD) {
            uint64_t low, high;
            __asm__ volatile(".rept 8\n\t"
                             "ldp %0, %1, [%2], #16\n\t"
                             "stp %0, %1, [%3], #16\n\t"
                             ".endr"
                             : "=&r"(low), "=&r"(high), "+r"(in), "+r"(out)
                             :
                             : "memory");
        }
        for (; size >= WORD; size -= WORD, in += WORD, out += WORD) {
            uint64_t low, high;
            __asm__ volatile("ldp %0, %1, [%2]\n\t"
                             "stp %0, %1, [%3]"
                             : "=&r"(low), "=&r"(high)
                             : "r"(in), "r"(out)
                             : "memory");
        }
    }
    for (; size > 0; size--)
        *(volatile uint8_t *)out++ = *in++;
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    uint8_t *out = to;
    uint64_t pattern = (uint8_t)byte * UINT64_C(0x0101010101010101);
    for (; size > 0 && (uintptr_t)out % 8 != 0; size--)
        *(volatile uint8_t *)out++ = (uint8_t)byte;
    for (; size >= 4 * WORD; size -= 4 * WORD, out += 4 * WORD)
        __asm__ volatile("stp %0, %0, [%1]\n\t"
                         "stp %0, %0, [%1, #16]\n\t"
                         "stp %0, %0, [%1, #32]\n\t"
                         "stp %0, %0, [%1, #48]"
                         :
                         : "r"(pattern), "r"(out)
                         : "memory");
    for (; size >= WORD; size -= WORD, out += WORD)
        __asm__ volatile("stp %0, %0, [%1]" : : "r"(pattern), "r"(out) : "memory");
    for (; size > 0; size--)
        *(volatile uint8_t *)out++ = (uint8_t)byte;
    return to;
}
