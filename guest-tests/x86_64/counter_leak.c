// SPDX-License-Identifier: MIT
// counter_leak on x86-64: RDTSC is the counter, OUT the exit of the loop.
#include "guest-tests/counter_leak.h"
#include "guest-tests/lib/x86_64/devices.h"

// The difference of the two reads around `text`, which may use RAX, RCX, RDX, RBX; R8 is the APIC's page.
#define LEAK_SECTION(name, text)                                                                                       \
    static uint64_t leak_##name(void)                                                                                  \
    {                                                                                                                  \
        uint64_t delta;                                                                                                \
        __asm__ volatile("mov $0xfee00000, %%r8d\n\trdtsc\n\tmov %%eax, %%esi\n\t" text                                \
                         "\n\trdtsc\n\tsub %%esi, %%eax\n\tmov %%eax, %%eax"                                           \
                         : "=a"(delta)                                                                                 \
                         :                                                                                             \
                         : "rbx", "rcx", "rdx", "rsi", "r8", "memory", "cc");                                          \
        return delta;                                                                                                  \
    }

LEAK_SECTION(nothing, "")
LEAK_SECTION(cpuid, "xor %%eax, %%eax\n\tcpuid")
LEAK_SECTION(out_nobody, "out %%al, $0x80")
LEAK_SECTION(in_device, "in $0x61, %%al")
LEAK_SECTION(in_pit, "in $0x40, %%al")
LEAK_SECTION(hypercall, "mov $0x4553430f, %%eax\n\t" HYPERCALL)
LEAK_SECTION(mmio_read, "mov 0x20(%%r8), %%eax")
LEAK_SECTION(mmio_write, "movl $0, 0xb0(%%r8)")
LEAK_SECTION(mmio_long, "testl $0x10000, 0x320(%%r8)")
LEAK_SECTION(rdmsr, "mov $0x1b, %%ecx\n\trdmsr")
LEAK_SECTION(wrmsr, "mov $0x1b, %%ecx\n\tmov $0xfee00900, %%eax\n\txor %%edx, %%edx\n\twrmsr") // as it is

const struct leak leaks[] = {
    { "CPUID", leak_cpuid, 1, false },
    { "OUT to nobody", leak_out_nobody, 0, false },
    { "IN from port 0x61", leak_in_device, 0, false },
    { "IN from the PIT", leak_in_pit, 0, false },
    { "hypercall", leak_hypercall, 1, true },
    { "MMIO read", leak_mmio_read, 0, false },
    { "MMIO write (EOI)", leak_mmio_write, 0, false },
    { "MMIO test", leak_mmio_long, 0, false },
    { "RDMSR", leak_rdmsr, 1, false },
    { "WRMSR", leak_wrmsr, 3, false },
};

const unsigned leak_count = ARRAY_LENGTH(leaks);

uint64_t leak_none(void)
{
    return leak_nothing();
}

void counter_leak_prepare(void)
{
    lapic_init(false);
}

// rdtsc, mov, [out, dec, jnz] * n, rdtsc.
const uint64_t sum_own = 2;

uint64_t exit_loop(uint64_t exits)
{
    uint32_t delta, left = (uint32_t)exits;
    __asm__ volatile("rdtsc\n\tmov %%eax, %%esi\n"
                     "1: out %%al, $0x80\n\tdec %1\n\tjnz 1b\n\t"
                     "rdtsc\n\tsub %%esi, %%eax"
                     : "=a"(delta), "+r"(left)
                     :
                     : "rdx", "rsi", "memory", "cc");
    return delta;
}
