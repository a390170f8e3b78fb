// SPDX-License-Identifier: MIT
// XSAVE and AVX (SDM 1, chapter 13): XCR0 takes what CPUID leaf Dh lists and nothing else, the sizes follow it, and the
// registers survive exits. AMD's CPUs execute a guest's XSETBV, on Intel's it always exits: what is refused is the
// same.
#include "guest-tests/lib/x86_64/devices.h"

#define GP        13u
#define UD        6u
#define AVX512    0xe0u
#define CR4_FXSR  (3u << 9)
#define CR4_XSAVE (1u << 18)

static uint64_t read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static void set_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0) : "memory");
}

static void set_xcr1(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"(0), "c"(1) : "memory");
}

static uint64_t get_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void test_xcr0(uint64_t announced)
{
    unsigned refused = 0, bad = 0;
    ok(get_xcr0() == 1, "XCR0 starts with x87 alone");
    for (unsigned bit = 19; bit < 64; bit++, bad++)
        refused += catch_trap(set_xcr0, 1 | UINT64_C(1) << bit).vector == GP;
    refused += catch_trap(set_xcr0, 0).vector == GP;
    refused += catch_trap(set_xcr0, 5).vector == GP;
    refused += catch_trap(set_xcr1, 1).vector == GP;
    ok(refused == bad + 3 && get_xcr0() == 1, "XSETBV: no x87, AVX without SSE, unknown bits, XCR1: #GP (%u of %u)",
       refused, bad + 3);
    ok(catch_trap(set_xcr0, announced).vector == TRAP_NONE && get_xcr0() == announced, "everything announced is taken");
    set_xcr0(1);
}

static void test_sizes(uint64_t announced)
{
    bool right = true;
    uint32_t most = cpuid(0xd, 0).ecx, end = 576;
    right = right && cpuid(0xd, 0).ebx == 576;
    for (unsigned i = 2; i < 64; i++) {
        struct cpuid_result part = cpuid(0xd, i);
        bool listed = (announced >> i & 1) != 0;
        right = right && listed == (part.eax != 0) && (!listed || (part.ebx >= 576 && part.ebx + part.eax <= most));
        if (!listed)
            continue;
        uint64_t components = (announced & ((UINT64_C(2) << i) - 1)) | 3;
        end = part.ebx + part.eax > end ? part.ebx + part.eax : end;
        if ((components & AVX512) != 0 && (components & AVX512) != AVX512) // SDM 1 13.3: all three or none
            continue;
        set_xcr0(components);
        right = right && cpuid(0xd, 0).ebx == end;
    }
    set_xcr0(1);
    ok(right, "leaf Dh: a size for each component listed, and their sum follows XCR0 (%u of %u bytes)", end, most);
    struct cpuid_result one = cpuid(0xd, 1);
    ok((one.eax & 0x18) == 0 && (one.ecx | one.edx) == 0, "no XSAVES, no XFD, no supervisor component");
}

// Inline assembly alone touches the vector registers: nothing else here is compiled for them.
static void test_registers(void)
{
    static uint8_t pattern[32], start[32], after[32];
    bool zero = true, kept = true;
    set_xcr0(7);
    __asm__ volatile("vmovdqu %%ymm9, %0" : "=m"(start));
    for (unsigned i = 0; i < 32; i++) {
        zero = zero && start[i] == 0;
        pattern[i] = (uint8_t)(i * 7 + 1);
    }
    __asm__ volatile("vmovdqu %0, %%ymm9" : : "m"(pattern));
    for (unsigned i = 0; i < 100; i++) {
        outb(0x80, 0);
        cpuid(0xd, 0);
        rdmsr(0x8b);
        oracle(ORACLE_NOTHING, 0);
    }
    __asm__ volatile("vmovdqu %%ymm9, %0" : "=m"(after));
    for (unsigned i = 0; i < 32; i++)
        kept = kept && after[i] == pattern[i];
    ok(zero, "a vCPU starts with empty vector registers");
    ok(kept, "400 exits leave them alone");
}

void test_main(void)
{
    bool xsave = (cpuid(1, 0).ecx >> 26 & 1) != 0, avx = (cpuid(1, 0).ecx >> 28 & 1) != 0;
    plan(9);
    if (!xsave || !avx || !platform.oracle) {
        for (unsigned i = 0; i < 9; i++)
            skip("CPUID announces no AVX, or this is not Escapement", "XSAVE %u", i);
        return;
    }
    ok(catch_trap(set_xcr0, 1).vector == UD && (cpuid(1, 0).ecx >> 27 & 1) == 0, "before CR4.OSXSAVE: #UD");
    __asm__ volatile("mov %0, %%cr4" : : "r"(read_cr4() | CR4_FXSR | CR4_XSAVE) : "memory");
    ok((cpuid(1, 0).ecx >> 27 & 1) == 1, "CPUID's OSXSAVE follows CR4");
    struct cpuid_result leaf = cpuid(0xd, 0);
    uint64_t announced = (uint64_t)leaf.edx << 32 | leaf.eax;
    test_xcr0(announced);
    test_sizes(announced);
    test_registers();
}
