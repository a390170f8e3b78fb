// SPDX-License-Identifier: MIT
// M3: does any part of an exit leak into the guest's counter? M2: does a million exits add up to the closed form?
//
// RDTSC, exit, RDTSC is compared with RDTSC, RDTSC, a thousand times for each kind of exit; least and greatest leak are
// both asked to be 0. Then 10^6 exits in one loop, whose length in instructions is known.
#include "guest-tests/lib/x86_64/devices.h"

#define ROUNDS 1000u

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

LEAK_SECTION(none, "")
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

static const struct leak {
    const char *name;
    uint64_t (*section)(void);
    uint64_t beside; // instructions beside the exiting one
    bool needs_escapement;
} leaks[] = {
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

static void test_leak(const struct leak *leak)
{
    struct spread spread = { 0 };
    uint64_t expected = leak_none() + leak->beside + platform.exit_cost;
    if (leak->needs_escapement && !platform.oracle) {
        skip("no such hypercall here", "M3 %s", leak->name);
        return;
    }
    for (unsigned i = 0; i < ROUNDS; i++)
        spread_add(&spread, (int64_t)(leak->section() - expected));
    diag("M3 kind=\"%s\" rounds=%u leak min=%ld max=%ld", leak->name, ROUNDS, spread.min, spread.max);
    ok_counted(spread.min == 0 && spread.max == 0, "M3 %s leaks nothing into the guest's counter", leak->name);
}

// mov, [out, dec, jnz] * n, rdtsc.
static void test_sum(uint32_t exits)
{
    uint64_t before = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    uint32_t delta, left = exits;
    __asm__ volatile("rdtsc\n\tmov %%eax, %%esi\n"
                     "1: out %%al, $0x80\n\tdec %1\n\tjnz 1b\n\t"
                     "rdtsc\n\tsub %%esi, %%eax"
                     : "=a"(delta), "+r"(left)
                     :
                     : "rdx", "rsi", "memory", "cc");
    uint64_t counted = platform.oracle ? oracle(ORACLE_EXITS, 0) - before : 0;
    uint64_t expected = 2 + (2 + platform.exit_cost) * exits;
    int64_t drift = (int64_t)delta - (int64_t)expected;
    diag("M2 exits=%u counter advanced by %u, closed form %lu, drift %ld", exits, delta, expected, drift);
    ok_counted(drift == 0, "M2 %u exits: the counter's sum is the closed form", exits);
    if (platform.oracle)
        ok(counted >= exits, "the monitor saw %lu exits meanwhile", counted);
    else
        skip("no exit counter here", "the monitor saw the exits");
}

void test_main(void)
{
    plan((unsigned)ARRAY_LENGTH(leaks) + 2);
    lapic_init(false);
    for (unsigned i = 0; i < ARRAY_LENGTH(leaks); i++)
        test_leak(&leaks[i]);
    test_sum((uint32_t)cmdline_number("exits", 1000000));
}
