// SPDX-License-Identifier: MIT
// The barriers of processors that exist, by the words that they and their microcode give (InstLatx64's dumps); and what
// holds for all words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/barrier_plan.h"
#include "tools/tests/native/host.h"

struct processor {
    const char *name, *plan;
    struct barrier_facts facts;
};

// Intel: CPUID 7 EBX and EDX, CPUID 7:2 EDX, MSR 10Ah.
#define INTEL(ebx, edx, edx2, capabilities) \
    { .leaf7_ebx = ebx, .leaf7_edx = edx, .leaf7_2_edx = edx2, .arch_capabilities = capabilities }
// AMD: CPUID 7 EDX, CPUID 80000008h EBX, CPUID 80000021h EAX and ECX.
#define AMD(edx, ebx8, eax21, ecx21) \
    { .svm = true, .leaf7_edx = edx, .leaf88_ebx = ebx8, .leaf821_eax = eax21, .leaf821_ecx = ecx21 }

static const struct processor processors[] = {
    { "nothing said: Nehalem, QEMU's TCG",
      "always nothing, at each entry nothing, at each exit nothing, between VMs returns", INTEL(0, 0, 0, 0) },
    { "Xeon E5-4669 v3, Haswell: MDS, L1TF",
      "always nothing, at each entry VERW L1D, at each exit returns IBPB, between VMs VERW L1D returns IBPB",
      INTEL(0x37ab, 0x9c000400, 0, 0) },
    { "Xeon Platinum 8160, Skylake: MDS, L1TF, TAA",
      "always nothing, at each entry VERW L1D, at each exit returns IBPB, between VMs VERW L1D returns IBPB",
      INTEL(0xd39ffffb, 0x9c002400, 0, 0) },
    { "Coffee Lake 906ECh with microcode from before MDS was known: nothing clears its buffers",
      "always nothing, at each entry nothing, at each exit returns IBPB, between VMs L1D returns IBPB",
      INTEL(0x029c6fbf, 0xbc000000, 0, 0x9) },
    { "Xeon, Cascade Lake 50657h: no MDS, but TAA; no BHI_DIS_S",
      "always IBRS, at each entry VERW, at each exit returns IBPB, between VMs VERW L1D returns IBPB",
      INTEL(0xd39ffffb, 0xbc000400, 0, 0x2b) },
    { "Comet Lake A0655h: no TSX",
      "always IBRS, at each entry nothing, at each exit returns IBPB, between VMs VERW L1D returns IBPB",
      INTEL(0x029c67af, 0xbc000400, 0, 0x2b) },
    { "Rocket Lake A0671h: stale data of the fill buffers",
      "always IBRS, at each entry VERW, at each exit returns IBPB, between VMs VERW L1D returns IBPB",
      INTEL(0xf2bf67eb, 0xbc000410, 1, 0x23c6b) },
    { "Raptor Lake B0671h: BHI_DIS_S; returns after an exit",
      "always IBRS BHI_DIS_S, at each entry nothing, at each exit returns, between VMs VERW L1D returns IBPB",
      INTEL(0x239c27eb, 0xfc1cc410, 0x1f, 0x488fd6b) },
    { "Twin Lake B06E0h: RFDS",
      "always IBRS BHI_DIS_S, at each entry VERW, at each exit nothing, between VMs VERW L1D returns IBPB",
      INTEL(0x239ca7eb, 0xfc184410, 0x37, 0x1580fd6b) },
    { "Xeon, Emerald Rapids C06F2h",
      "always IBRS BHI_DIS_S, at each entry nothing, at each exit returns, between VMs VERW L1D returns IBPB",
      INTEL(0xf3bfbfff, 0xffdd4432, 0x1f, 0x6c28fdeb) },
    { "Lunar Lake B06D1h: asks for nothing at entry and exit",
      "always IBRS BHI_DIS_S, at each entry nothing, at each exit nothing, between VMs VERW L1D returns IBPB",
      INTEL(0x239ca7eb, 0xfc1cc430, 0xbf, 0xdf9fd6b) },
    { "Bochs 2.7's corei7_icelake_u",
      "always IBRS, at each entry nothing, at each exit returns IBPB, between VMs L1D returns IBPB",
      INTEL(0, 0xbc000110, 0, 0x1f) },
    { "Bochs 3's arrow_lake",
      "always IBRS BHI_DIS_S, at each entry VERW, at each exit returns, between VMs VERW L1D returns IBPB",
      INTEL(0, 0xfc104430, 0x10, 0x1f) },
    { "EPYC, Rome 830F10h",
      "always nothing, at each entry nothing, at each exit returns IBPB, between VMs returns IBPB",
      AMD(0, 0x018cb757, 0, 0) },
    { "Ryzen 7 5800X, Vermeer",
      "always nothing, at each entry nothing, at each exit returns IBPB, between VMs returns IBPB",
      AMD(0x10, 0x111ef657, 0x4d, 0) },
    { "Vermeer with microcode for TSA",
      "always nothing, at each entry VERW, at each exit returns IBPB, between VMs VERW returns IBPB",
      AMD(0x10, 0x111ef657, 0x1000006d, 0) },
    { "EPYC, Genoa A10F11h: AutoIBRS, but SRSO; it has a command for the first cache, and no L1TF",
      "always AutoIBRS, at each entry nothing, at each exit returns IBPB, between VMs L1D returns IBPB",
      AMD(0x10000010, 0x79bef25f, 0x62fcf, 0) },
    { "EPYC, Turin B00F21h: SRSO between guest and host",
      "always AutoIBRS, at each entry nothing, at each exit returns IBPB, between VMs L1D returns IBPB",
      AMD(0x10000110, 0x79bef25f, 0xd93fffcf, 0) },
    { "one that says SRSO_NO and TSA_NO: asks for nothing at entry and exit",
      "always AutoIBRS, at each entry nothing, at each exit nothing, between VMs VERW L1D returns IBPB",
      AMD(0x10000110, 0x79bef25f, 0xf93fffef, 6) },
};

static void processors_that_exist(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++) {
        char text[BARRIER_TEXT_SIZE];
        struct barrier_plan plan = barrier_plan(&processors[i].facts);
        barrier_plan_text(&plan, text);
        if (strcmp(text, processors[i].plan) != 0)
            fail_msg("%s: %s", processors[i].name, text);
    }
}

static struct barrier_facts random_facts(uint64_t *seed)
{
    return (struct barrier_facts){
        .svm = (host_random(seed) & 1) != 0,
        .leaf7_ebx = (uint32_t)host_random(seed),
        .leaf7_edx = (uint32_t)host_random(seed),
        .leaf7_2_edx = (uint32_t)host_random(seed),
        .leaf88_ebx = (uint32_t)host_random(seed),
        .leaf821_eax = (uint32_t)host_random(seed),
        .leaf821_ecx = (uint32_t)host_random(seed),
        .arch_capabilities = host_random(seed),
    };
}

// An MSR is written only where its bit says that it is there: the others are #GP, which at boot is a panic.
static void nothing_that_is_not_there(void **state)
{
    (void)state;
    uint64_t seed = 81;
    unsigned seen = 0;
    for (unsigned round = 0; round < 200000; round++) {
        struct barrier_facts f = random_facts(&seed);
        struct barrier_plan plan = barrier_plan(&f);
        bool spec_ctrl = !f.svm && (f.leaf7_edx & 1u << 26) != 0;
        bool pred_cmd = f.svm ? (f.leaf88_ebx & 1u << 12) != 0 : (f.leaf7_edx & 1u << 26) != 0;
        unsigned all = plan.entry | plan.exit | plan.between;
        assert_true((all & BARRIER_BRANCHES) == 0 || pred_cmd);
        assert_true((all & BARRIER_L1D) == 0 || (f.leaf7_edx & 1u << 28) != 0);
        assert_true((plan.always & (BARRIER_IBRS | BARRIER_BHI_DIS_S)) == 0 || spec_ctrl);
        assert_true((plan.always & BARRIER_BHI_DIS_S) == 0 || (f.leaf7_2_edx & 1u << 4) != 0);
        assert_true((plan.always & BARRIER_AUTO_IBRS) == 0 || (f.svm && (f.leaf821_eax & 1u << 8) != 0));
        assert_int_equal((plan.entry | plan.exit) & ~plan.between, 0);
        assert_int_equal(plan.entry & (BARRIER_RETURNS | BARRIER_BRANCHES), 0);
        assert_int_equal(plan.exit & (BARRIER_BUFFERS | BARRIER_L1D), 0);
        assert_int_equal(all & ~15u, 0);
        seen |= all | plan.always;
    }
    assert_int_equal(seen, 127);
}

static void subset(struct barrier_plan less, struct barrier_plan more)
{
    assert_int_equal(less.entry & ~more.entry, 0);
    assert_int_equal(less.exit & ~more.exit, 0);
}

// One more bit that says "no need" takes a barrier away or none, and never adds one.
static void immunity_never_adds(void **state)
{
    (void)state;
    static const unsigned no_need[] = { 0, 3, 5, 8, 13, 14, 15, 20, 24, 27 };
    uint64_t seed = 82;
    for (unsigned round = 0; round < 100000; round++) {
        struct barrier_facts f = random_facts(&seed), better = f;
        unsigned bit = no_need[host_random_range(&seed, 0, sizeof(no_need) / sizeof(no_need[0]) - 1)];
        better.arch_capabilities |= UINT64_C(1) << bit;
        subset(barrier_plan(&better), barrier_plan(&f));
        better = f;
        better.leaf821_eax |= 1u << 29;
        better.leaf821_ecx |= 6;
        subset(barrier_plan(&better), barrier_plan(&f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processors_that_exist),
        cmocka_unit_test(nothing_that_is_not_there),
        cmocka_unit_test(immunity_never_adds),
    };
    return cmocka_run_group_tests_name("barrier", tests, NULL, NULL);
}
