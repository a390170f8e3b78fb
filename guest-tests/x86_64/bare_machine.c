// SPDX-License-Identifier: MIT
// hypervisor=none: is anything left by which a guest could tell, and are the clocks that it then has to measure there?
// With the command line word `kvm` the same questions have the other answers.
#include "guest-tests/lib/x86_64/devices.h"

#define UD 6u
#define GP 13u

static void call_it(uint64_t number)
{
    __asm__ volatile(HYPERCALL : "+a"(number) : "b"(0), "c"(0) : "memory");
}

static bool msr_present(uint32_t msr)
{
    uint64_t value;
    return rdmsr_trap(msr, &value) == TRAP_NONE || wrmsr_trap(msr, 0) == TRAP_NONE;
}

// The moment of the PM timer's next tick, to the few cycles of this loop.
static uint64_t next_pm_tick(uint32_t *count)
{
    uint32_t start = inl(board.pm_timer_port);
    do
        *count = inl(board.pm_timer_port);
    while (*count == start);
    return rdtsc();
}

static uint64_t measure_hz(void)
{
    uint32_t first, last;
    uint64_t from = next_pm_tick(&first);
    wait_until(from + platform.counter_hz);
    uint64_t to = next_pm_tick(&last);
    return mul_div_floor(to - from, PM_TIMER_HZ, (last - first) & 0xffffff);
}

void test_main(void)
{
    static const uint32_t msrs[] = { 0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d03 };
    bool kvm = cmdline_word("kvm");
    uint32_t left = 0;
    unsigned present = 0;
    plan(6);
    ok((cpuid(1, 0).ecx >> 31 != 0) == kvm, "CPUID's hypervisor bit is %s", kvm ? "set" : "clear");
    for (uint32_t leaf = 0x40000000; leaf < 0x40000300; leaf++) {
        struct cpuid_result r = cpuid(leaf, 0);
        left |= r.eax | r.ebx | r.ecx | r.edx;
    }
    ok((left != 0) == kvm, "leaves 400000xxh and 400001xxh are %s", kvm ? "there" : "empty");
    for (unsigned i = 0; i < ARRAY_LENGTH(msrs); i++)
        present += msr_present(msrs[i]);
    ok(present == (kvm ? ARRAY_LENGTH(msrs) : 0), "KVM's MSRs: %u of %u", present, (unsigned)ARRAY_LENGTH(msrs));
    unsigned oracle_call = catch_trap(call_it, 0x4553430f).vector, pairing = catch_trap(call_it, 9).vector;
    ok(oracle_call == (kvm ? TRAP_NONE : UD) && pairing == oracle_call, "hypercalls: %s", kvm ? "an answer" : "#UD");
    ok((cpuid(0x80000007, 0).edx >> 8 & 1) == !kvm, "the invariant TSC is %s", kvm ? "not needed" : "there");
    uint64_t hz = measure_hz(), known = platform.counter_hz, off = hz > known ? hz - known : known - hz;
    diag("measured TSC: %lu Hz", hz);
    if (platform.counted)
        ok(off <= known / 10000000, "a second of the PM timer finds the TSC's rate within 0.1 ppm (%lu Hz off)", off);
    else
        skip("the machine's rate is not known here", "the TSC's rate");
}
