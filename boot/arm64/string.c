// SPDX-License-Identifier: MIT
// What libfdt alone needs of the C library. Linked by the monitor and by our loader for UEFI; the native tests use
// their C library's.
#include <stdint.h>
#include <string.h>

size_t strnlen(const char *text, size_t limit)
{
    size_t n = 0;
    while (n < limit && text[n] != 0)
        n++;
    return n;
}

char *strchr(const char *text, int byte)
{
    return memchr(text, byte, strlen(text) + 1);
}

char *strrchr(const char *text, int byte)
{
    for (size_t n = strlen(text) + 1; n > 0; n--) {
        if (text[n - 1] == (char)byte)
            return (char *)(uintptr_t)&text[n - 1];
    }
    return NULL;
}

int strcmp(const char *left, const char *right)
{
    while (*left != 0 && *left == *right) {
        left++;
        right++;
    }
    return (uint8_t)*left - (uint8_t)*right;
}
