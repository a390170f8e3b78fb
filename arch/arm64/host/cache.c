// SPDX-License-Identifier: MIT
// The data cache by lines: see cache.h. Each line of a guest's memory passes here before its first instruction, so a
// round takes many: the loop itself would cost as much as what it does.
#include "arch/arm64/host/cache.h"

#include <string.h>

#include "arch/arm64/host/arm64.h"

#define ROUND 16u // lines

// Log2 of the words in the smallest line.
static uint64_t line_size(void)
{
    return sysreg_read(ctr_el0) >> 16 & 15; // DminLine
}

static uint64_t line_bytes(void)
{
    return UINT64_C(4) << line_size();
}

// DC ZVA clears a line each: DCZID_EL0 has the size of its block (D17.2.31), and then a bit that forbids it.
static bool clears_lines(void)
{
    return (sysreg_read(dczid_el0) & 31) == line_size();
}

__attribute__((noinline)) void cache_to_memory(const void *start, uint64_t bytes)
{
    uint64_t line = line_bytes(), at = (uintptr_t)start & ~(line - 1), end = (uintptr_t)start + bytes;
    for (uint64_t rounds = (end - at) / (ROUND * line); rounds > 0; rounds--)
        __asm__ volatile(".rept %c2\n\t"
                         "dc civac, %0\n\t"
                         "add %0, %0, %1\n\t"
                         ".endr"
                         : "+r"(at)
                         : "r"(line), "i"(ROUND)
                         : "memory");
    for (; at < end; at += line)
        __asm__ volatile("dc civac, %0" : : "r"(at) : "memory");
    __asm__ volatile("dsb sy" : : : "memory");
}

// One walk does both where it can: of one line they stay in their order (D7.5.9).
__attribute__((noinline)) void cache_clear_to_memory(void *start, uint64_t bytes)
{
    uint64_t line = line_bytes(), at = (uintptr_t)start, end = at + bytes;
    uint64_t rounds = clears_lines() ? bytes / (ROUND * line) : 0;
    for (; rounds > 0; rounds--)
        __asm__ volatile(".rept %c2\n\t"
                         "dc zva, %0\n\t"
                         "dc civac, %0\n\t"
                         "add %0, %0, %1\n\t"
                         ".endr"
                         : "+r"(at)
                         : "r"(line), "i"(ROUND)
                         : "memory");
    memset((void *)at, 0, end - at);
    cache_to_memory((void *)at, end - at);
}
