// SPDX-License-Identifier: MIT
// The cache by lines: see cache.h. Called by vmm/results.c, which boot/x86_64/main.c gives it to.
#include "arch/x86_64/host/cache.h"

#include "arch/x86_64/host/x86.h"

// SDM 2A, CPUID: leaf 1 has the line that CLFLUSH writes back, in units of 8 bytes. Every x86-64 has the instruction.
static uint64_t line_bytes(void)
{
    static uint64_t found;
    if (found == 0)
        found = (x86_cpuid(1, 0).ebx >> 8 & 0xff) * UINT64_C(8);
    return found != 0 ? found : 8;
}

void cache_to_memory(const void *start, uint64_t bytes)
{
    uint64_t line = line_bytes(), first = (uintptr_t)start & -line;
    for (uint64_t at = first; at < (uintptr_t)start + bytes; at += line)
        __asm__ volatile("clflush (%0)" : : "r"(at) : "memory");
    __asm__ volatile("mfence" : : : "memory");
}
