// SPDX-License-Identifier: MIT
// The MSRs that a kernel finds while it starts: what they read as, what they keep, what they refuse. Those that CPUID
// does not announce give #GP, so that nobody takes them for working ones.
#include "guest-tests/lib/x86_64/devices.h"

#define GP 13u

static uint64_t access_value;

static bool written(uint32_t msr, uint64_t value)
{
    return wrmsr_trap(msr, value) == TRAP_NONE;
}

static bool readable(uint32_t msr)
{
    return rdmsr_trap(msr, &access_value) == TRAP_NONE;
}

enum maker { AMD = 1, INTEL = 2, ANY = 3 };

static enum maker maker(void)
{
    uint32_t ecx = cpuid(0, 0).ecx;
    return ecx == 0x444d4163 ? AMD : ecx == 0x6c65746e ? INTEL : 0;
}

// Read as `value` on those makers' CPUs; on the other's they give #GP.
static const struct plain {
    const char *name;
    uint32_t    first, last;
    enum maker  maker;
    uint64_t    value;
    bool        writable; // `value` itself can be written back
} plain[] = {
    { "PLATFORM_ID", 0x17, 0x17, INTEL, 0, false },
    { "SMI_COUNT", 0x34, 0x34, INTEL, 0, false },
    { "MTRRcap", 0xfe, 0xfe, ANY, 0x508, false },
    { "MCG_CAP", 0x179, 0x179, ANY, 0, false },
    { "MISC_ENABLE", 0x1a0, 0x1a0, ANY, 0x1801, true },
    { "DEBUGCTL", 0x1d9, 0x1d9, ANY, 0, true },
    { "PAT", 0x277, 0x277, ANY, 0x0007040600070406, true },
    { "MTRRdefType", 0x2ff, 0x2ff, ANY, 0xc06, true },
    { "PERF_CTL and PERF_CTR", 0xc0010000, 0xc0010007, AMD, 0, true },
    { "SYSCFG", 0xc0010010, 0xc0010010, AMD, 0, true },
    { "HWCR", 0xc0010015, 0xc0010015, AMD, 1u << 24, true },
    { "NB_CFG", 0xc001001f, 0xc001001f, AMD, 0, true },
    { "interrupt pending message", 0xc0010055, 0xc0010055, AMD, 0, true },
    { "P-states", 0xc0010064, 0xc001006b, AMD, 0, false },
    { "OSVW length", 0xc0010140, 0xc0010140, AMD, 64, false },
    { "OSVW status", 0xc0010141, 0xc0010141, AMD, 0, false },
    { "DE_CFG", 0xc0011029, 0xc0011029, AMD, 2, true },
};

static void test_plain(void)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(plain); i++) {
        const struct plain *p = &plain[i];
        bool here = (p->maker & maker()) != 0, right = true;
        for (uint32_t msr = p->first; msr <= p->last; msr++) {
            right = right && readable(msr) == here && (!here || access_value == p->value);
            right = right && written(msr, p->value) == (here && p->writable);
        }
        ok(right, "%s: %s", p->name, here ? "reads as it should" : "#GP on this maker's CPU");
    }
}

// Linux's loader writes 0 and reads.
static void test_revision(void)
{
    uint64_t expected = maker() == INTEL ? UINT64_C(0x7fffffff) << 32 : 0;
    ok(written(0x8b, 0) && readable(0x8b) && access_value == expected, "microcode: newer than any of Intel's, AMD 0");
}

// None of these features is announced.
static void test_absent(void)
{
    static const uint32_t absent[] = {
        0x33, 0x3a, 0x48, 0x49, 0x4e, 0xc1, 0xce, 0xe1, 0xe7, 0xe8, 0x10a, 0x10b, 0x122, 0x123, 0x140, 0x17a, 0x17b,
        0x186, 0x198, 0x199, 0x19a, 0x1a2, 0x1b0, 0x1c4, 0x1fc, 0x210, 0x24f, 0x251, 0x345, 0x38f, 0x400, 0x480, 0x560,
        0x600, 0x606, 0x6a0, 0x6a2, 0x6e1, 0xd90, 0xda0, 0xc0000104, 0xc00000e7, 0xc00000e8, 0xc0000108,
        0xc0010064 + 8, 0xc0010114, 0xc0010117, 0xc001011f, 0xc0010131, 0xc0010200, 0xc0010292, 0xc001100c, 0xc0011020,
        0xc0011023,
    };
    unsigned present = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(absent); i++) {
        bool any = readable(absent[i]) || written(absent[i], 0);
        if (any)
            diag("MSR 0x%x is there", absent[i]);
        present += any;
    }
    ok(present == 0, "%u MSRs of features that are not announced: #GP", (unsigned)ARRAY_LENGTH(absent));
}

// Each bit alone, and what it then reads: the bits that can be written, every other one #GP and no change.
static uint64_t writable_bits(uint32_t msr)
{
    uint64_t old = rdmsr(msr), bits = 0;
    bool steady = true;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t value = old ^ UINT64_C(1) << bit;
        bool taken = written(msr, value);
        steady = steady && rdmsr(msr) == (taken ? value : old);
        bits |= taken ? UINT64_C(1) << bit : 0;
        wrmsr(msr, old);
    }
    return steady ? bits : UINT64_MAX;
}

static void test_mtrrs(void)
{
    static const uint32_t fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f };
    static const uint64_t bios[] = { 0x0606060606060606, 0x0606060606060606, 0 };
    uint64_t address = (UINT64_C(1) << (cpuid(0x80000008, 0).eax & 0xff)) - 1;
    unsigned right = 0;
    for (uint32_t msr = 0x200; msr < 0x210; msr += 2) {
        uint64_t base = rdmsr(msr), mask = rdmsr(msr + 1);
        wrmsr(msr, 0);
        right += writable_bits(msr) == ((address & ~0xffful) | 5) && writable_bits(msr + 1) == (address & ~0x7fful);
        wrmsr(msr, base);
        wrmsr(msr + 1, mask);
    }
    ok(right == 8, "eight variable MTRRs keep what is legal and refuse the reserved bits (%u)", right);
    ok(!readable(0x210) && !readable(0x211) && !written(0xfe, 0x508), "no ninth, and MTRRcap cannot be written");
    right = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(fixed); i++) {
        uint64_t old = rdmsr(fixed[i]);
        right += old == (i < 3 ? bios[i] : 0x0505050505050505);
        wrmsr(fixed[i], 0);
        right += writable_bits(fixed[i]) == 0x0505050505050505;
        wrmsr(fixed[i], old);
    }
    ok(right == 22, "eleven fixed ones as firmware leaves them, a byte for a legal type (%u of 22)", right);
    ok(writable_bits(0x2ff) == 0xc02, "MTRRdefType from write-back: enables, and type 4");
    ok((rdmsr(0x200) & 0xff) == 0 && (rdmsr(0x201) >> 11 & 1) == 1, "the hole below 4 GiB is uncached");
    bool refused = !written(0x277, 2) && !written(0x277, UINT64_C(3) << 56) && !written(0x277, 8);
    ok(refused && written(0x277, 0x0706050401000007), "the PAT takes types 0, 1, 4, 5, 6, 7");
    wrmsr(0x277, 0x0007040600070406);
}

// SDM 4, table 2-2. With XD off CPUID has no NX, and EFER.NXE is reserved.
static void test_misc_enable(void)
{
    uint64_t efer = rdmsr(0xc0000080), kept = UINT64_C(0x4000c50008);
    bool legal = written(0x1a0, kept | 0x1801) && rdmsr(0x1a0) == (kept | 0x1801);
    ok(legal && !written(0x1a0, 0x1803) && written(0x1a0, 1) && rdmsr(0x1a0) == 0x1801,
       "MISC_ENABLE keeps the bits of features, refuses reserved ones, and branch trace stays unavailable");
    bool off = written(0x1a0, UINT64_C(1) << 34 | 0x1801) && (cpuid(0x80000001, 0).edx >> 20 & 1) == 0 &&
               !written(0xc0000080, efer | 1u << 11);
    bool on = written(0x1a0, 0x1801) && (cpuid(0x80000001, 0).edx >> 20 & 1) == 1;
    ok(off && on, "with XD off CPUID has no NX, and EFER.NXE is reserved");
}

// SDM 2B, WRMSR: an address that is not canonical is #GP. QEMU's TCG does not look.
static void test_addresses(void)
{
    static const uint32_t addresses[] = { 0xc0000082, 0xc0000083, 0xc0000100, 0xc0000101, 0xc0000102 };
    unsigned right = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(addresses); i++) {
        uint64_t old = rdmsr(addresses[i]);
        right += !written(addresses[i], UINT64_C(1) << 63) && !written(addresses[i], UINT64_C(1) << 47) &&
                 rdmsr(addresses[i]) == old;
        right += written(addresses[i], ~UINT64_C(0) << 47) && rdmsr(addresses[i]) == ~UINT64_C(0) << 47;
        wrmsr(addresses[i], old);
    }
    ok(right == 10, "FS_BASE, GS_BASE, KERNEL_GS_BASE, LSTAR and CSTAR take addresses alone (%u of 10)", right);
}

static void test_controls(void)
{
    if (maker() == AMD) {
        bool ignored = written(0xc0010015, 1u << 24 | 1u << 3 | 1u << 6 | 1u << 8) && rdmsr(0xc0010015) == 1u << 24;
        ok(ignored && !written(0xc0010015, 1u << 24 | 1u << 30) && !written(0xc0010015, 1u << 24 | 1u << 25),
           "HWCR ignores the TLB's bits and refuses counters and boost");
        ok(!written(0xc0011029, 0) && !written(0xc0011029, 6), "LFENCE always serialises, and DE_CFG has nothing else");
        ok((cpuid(0x80000001, 0).ecx >> 9 & 1) == 1, "OSVW is announced");
    } else {
        skip("not AMD's", "HWCR");
        skip("not AMD's", "DE_CFG");
        skip("not AMD's", "OSVW");
    }
    test_misc_enable();
    test_addresses();
    uint64_t efer = rdmsr(0xc0000080);
    ok(!written(0xc0000080, efer | 1u << 12) && !written(0xc0000080, efer | 1u << 1), "EFER.SVME, reserved bits: #GP");
}

void test_main(void)
{
    plan(ARRAY_LENGTH(plain) + 15);
    test_plain();
    test_revision();
    test_absent();
    test_mtrrs();
    test_controls();
}
