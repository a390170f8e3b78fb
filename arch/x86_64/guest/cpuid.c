// SPDX-License-Identifier: MIT
// CPUID as a guest sees it: the host's own leaves, less what this machine does not give, plus the leaves that tell a
// guest its clock rates (KVM's cpuid.rst) and who we are. Static leaves are filtered once at boot; what
// depends on the guest's own state (CR4, APIC base, sub-leaf) is done per call.
#include "arch/x86_64/guest/guest.h"

#define LEAF_BASIC    0x00000000u
#define LEAF_KVM      0x40000000u
#define LEAF_OWN      0x40000100u
#define LEAF_EXTENDED 0x80000000u

#define BASIC_LEAVES    0x17u // 0 .. 16h
#define EXTENDED_LEAVES 0x22u // 80000000h .. 80000021h

// What is passed on where the host has it. Everything else is absent: a bit that names an MSR which this machine does
// not have, a source of chance that no run repeats (law 9: RDRAND, RDSEED, RTM), or what is not known here.
// Leaf 1, SDM 2A CPUID.
#define ECX1_SSE3         (1u << 0)
#define ECX1_PCLMULQDQ    (1u << 1)
#define ECX1_SSSE3        (1u << 9)
#define ECX1_FMA          (1u << 12)
#define ECX1_CX16         (1u << 13)
#define ECX1_SSE4         (3u << 19) // 4.1, 4.2
#define ECX1_X2APIC       (1u << 21)
#define ECX1_MOVBE        (1u << 22)
#define ECX1_POPCNT       (1u << 23)
#define ECX1_TSC_DEADLINE (1u << 24)
#define ECX1_AES          (1u << 25)
#define ECX1_XSAVE        (1u << 26)
#define ECX1_OSXSAVE      (1u << 27)
#define ECX1_AVX          (1u << 28)
#define ECX1_F16C         (1u << 29)
#define ECX1_HYPERVISOR   (1u << 31)
#define ECX1_KEPT                                                                                           \
    (ECX1_SSE3 | ECX1_PCLMULQDQ | ECX1_SSSE3 | ECX1_FMA | ECX1_CX16 | ECX1_SSE4 | ECX1_MOVBE | ECX1_POPCNT | \
     ECX1_AES | ECX1_XSAVE | ECX1_AVX | ECX1_F16C)
#define EDX1_MCE          (1u << 7)
#define EDX1_APIC         (1u << 9)
#define EDX1_MCA          (1u << 14)
#define EDX1_PSN          (1u << 18)
#define EDX1_DS           (1u << 21)
#define EDX1_ACPI         (1u << 22)
#define EDX1_HTT          (1u << 28)
#define EDX1_TM           (1u << 29)
#define EDX1_PBE          (1u << 31)
#define EDX1_ABSENT (EDX1_MCE | EDX1_MCA | EDX1_PSN | EDX1_DS | EDX1_ACPI | EDX1_HTT | EDX1_TM | EDX1_PBE)
// Leaf 7: instructions, and FSGSBASE, SMEP, SMAP, UMIP and PKU, which are bits of CR4.
#define EBX7_TSC_ADJUST (1u << 1)
#define EBX7_KEPT       (0xffffffffu & ~(1u << 2 | 1u << 4 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 14 | 1u << 15 | \
                                         1u << 18 | 1u << 22 | 1u << 25)) // SGX HLE INVPCID RTM RDT MPX RDT RDSEED - PT
#define ECX7_OSPKE      (1u << 4)
#define ECX7_KEPT       (0x0000000fu | 1u << 6 | 0x00005f00u | 1u << 22 | 1u << 25 | 1u << 27 | 1u << 28)
#define EDX7_FSRM       (1u << 4)
#define EDX7_SERIALIZE  (1u << 14)
// Leaf Dh: components that come with a feature left out above (MPX, AMX), and XSAVES and XFD with their MSRs.
#define EAXD_ABSENT (3u << 3 | 3u << 17)
#define EAXD_XSAVEC (1u << 1)
#define EAXD_XSAVES (1u << 3)
#define EAXD_XFD    (1u << 4)
// Leaf 80000001h, APM 3 E.4: LAHF, CR8 by LOCK, ABM, SSE4A, misaligned SSE, PREFETCH, OSVW, XOP, FMA4, TBM.
#define ECX81_OSVW (1u << 9)
#define ECX81_KEPT (1u << 0 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11 | 1u << 16 | 1u << 21)
#define EDX81_ABSENT (EDX1_MCE | EDX1_MCA | 1u << 19) // and the bit of a dual processor
#define EDX81_NX        (1u << 20)
#define EDX87_INVARIANT (1u << 8)
// Leaf 80000008h EBX: instructions alone (CLZERO, RstrFpErrPtrs, WBNOINVD), and errata that the CPU does not have (SSB,
// BTC). The others have MSRs.
#define EBX88_KEPT  (1u << 0 | 1u << 2 | 1u << 9 | 1u << 26 | 1u << 29)
// Leaf 80000021h EAX: facts about LFENCE, VERW and null selectors, data breakpoints, no SRSO; ECX: no TSA.
#define EAX821_KEPT (1u << 0 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 29)
#define ECX821_KEPT (1u << 1 | 1u << 2)

#define KVM_FEATURE_CLOCKSOURCE  (1u << 0)
#define KVM_FEATURE_CLOCKSOURCE2 (1u << 3)
#define KVM_FEATURE_STEAL_TIME   (1u << 5)
#define KVM_FEATURE_SEND_IPI     (1u << 11)
#define KVM_FEATURE_CLOCK_STABLE (1u << 24)

#define OWN_EXACT_CLOCK (1u << 0) // clock=guest on a steady host: what this guest sees depends on itself alone
#define OWN_ORACLE      (1u << 1) // the oracle hypercalls answer

static struct cpuid_result basic[BASIC_LEAVES], extended[EXTENDED_LEAVES];
static uint32_t            basic_max, extended_max;

static void filter_basic(void)
{
    basic_max = x86_cpuid(LEAF_BASIC, 0).eax;
    if (basic_max >= BASIC_LEAVES)
        basic_max = BASIC_LEAVES - 1;
    for (uint32_t leaf = 0; leaf <= basic_max; leaf++)
        basic[leaf] = x86_cpuid(leaf, 0);
    basic_max = BASIC_LEAVES - 1;
    basic[0].eax = basic_max;
    basic[1].ebx &= 0x0000ffffu; // initial APIC id 0, one logical processor
    basic[1].ebx |= 1u << 16;
    basic[1].ecx &= ECX1_KEPT;
    basic[1].ecx |= ECX1_X2APIC | ECX1_TSC_DEADLINE;
    basic[1].edx &= ~EDX1_ABSENT;
    basic[4] = (struct cpuid_result){ 0 };   // deterministic cache parameters: per sub-leaf, see guest_cpuid
    basic[5] = (struct cpuid_result){ 0 };   // MONITOR
    basic[6] = (struct cpuid_result){ .eax = 1u << 2 }; // ARAT: the APIC timer never stops
    basic[7].eax = 0;
    basic[7].ebx &= EBX7_KEPT;
    basic[7].ebx |= EBX7_TSC_ADJUST;
    basic[7].ecx &= ECX7_KEPT;
    basic[7].edx &= EDX7_FSRM | EDX7_SERIALIZE;
    basic[9] = (struct cpuid_result){ 0 };   // direct cache access
    basic[0xa] = (struct cpuid_result){ 0 }; // no performance counters
    basic[0xb] = (struct cpuid_result){ 0 }; // one CPU: no topology to tell
    for (uint32_t leaf = 0xe; leaf <= basic_max; leaf++) // resource monitoring, SGX, processor trace
        basic[leaf] = (struct cpuid_result){ 0 };
}

static void filter_extended(void)
{
    extended_max = x86_cpuid(LEAF_EXTENDED, 0).eax - LEAF_EXTENDED;
    if (extended_max >= EXTENDED_LEAVES)
        extended_max = EXTENDED_LEAVES - 1;
    for (uint32_t leaf = 0; leaf <= extended_max; leaf++)
        extended[leaf] = x86_cpuid(LEAF_EXTENDED + leaf, 0);
    if (extended_max < 8)
        extended_max = 8;
    extended[0].eax = LEAF_EXTENDED + extended_max;
    extended[1].ecx &= ECX81_KEPT;
    extended[1].ecx |= guest_cpu_is_amd() ? ECX81_OSVW : 0; // the list of errata that this machine does not have
    extended[1].edx &= ~EDX81_ABSENT;
    extended[7] = (struct cpuid_result){ .edx = EDX87_INVARIANT };
    extended[8].ebx &= EBX88_KEPT;
    extended[8].ecx = extended[8].edx = 0; // one core
    for (uint32_t leaf = 9; leaf <= extended_max; leaf++) // SVM, IBS, topology, encryption; 19h and 1Ah are plain facts
        if (leaf != 0x19 && leaf != 0x1a && leaf != 0x21)
            extended[leaf] = (struct cpuid_result){ 0 };
    if (extended_max >= 0x21)
        extended[0x21] = (struct cpuid_result){ .eax = extended[0x21].eax & EAX821_KEPT,
                                                 .ecx = extended[0x21].ecx & ECX821_KEPT };
}

static bool is_vendor(uint32_t b, uint32_t d, uint32_t c)
{
    return basic[0].ebx == b && basic[0].edx == d && basic[0].ecx == c;
}

bool guest_cpu_is_amd(void)
{
    return is_vendor(0x68747541, 0x69746e65, 0x444d4163) || // AuthenticAMD
           is_vendor(0x6f677948, 0x6e65476e, 0x656e6975);   // HygonGenuine
}

bool guest_cpu_is_intel(void)
{
    return is_vendor(0x756e6547, 0x49656e69, 0x6c65746e); // GenuineIntel
}

unsigned guest_address_bits(void)
{
    return extended[8].eax & 0xff;
}

void cpuid_init(void)
{
    filter_basic();
    filter_extended();
}

static struct cpuid_result hypervisor_leaf(const struct vcpu *vcpu, uint32_t leaf)
{
    uint64_t hz = vcpu->vm->vtime.hz;
    bool exact = switch_costs.steady && vcpu->vm->vtime.clock != CLOCK_WALL && vcpu->vm->vtime.idle == IDLE_WARP;
    switch (leaf) {
    case LEAF_KVM: // "KVMKVMKVM": stock guests look for this before they use the clock page
        return (struct cpuid_result){ 0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d };
    case LEAF_KVM + 1:
        return (struct cpuid_result){
            .eax = KVM_FEATURE_CLOCKSOURCE | KVM_FEATURE_CLOCKSOURCE2 | KVM_FEATURE_STEAL_TIME |
                   KVM_FEATURE_SEND_IPI | KVM_FEATURE_CLOCK_STABLE
        };
    case LEAF_KVM + 0x10: // generic timing leaf, kHz
        return (struct cpuid_result){ .eax = (uint32_t)(hz / 1000), .ebx = (uint32_t)(hz / 1000) };
    case LEAF_OWN:
        return (struct cpuid_result){ LEAF_OWN + 1, 0x61637345, 0x656d6570, 0x0000746e }; // "Escapement"
    case LEAF_OWN + 1:
        return (struct cpuid_result){
            .eax = (exact ? OWN_EXACT_CLOCK : 0) | (vcpu->vm->config.oracle ? OWN_ORACLE : 0),
            .ebx = (uint32_t)hz,
            .ecx = (uint32_t)(hz >> 32),
        };
    default:
        return (struct cpuid_result){ 0 };
    }
}

static bool apic_enabled(const struct vcpu *vcpu)
{
    const struct lapic *lapic = &vcpu->vm->machine.lapic;
    return lapic_mmio_enabled(lapic) || (lapic_base_read(lapic) >> 11 & 1) != 0;
}

// SDM 1 13.4.3: in the compacted format the components of XCR0 follow each other, some of them 64-byte aligned. Bochs'
// CPUID says the other format's size.
static uint32_t compacted_size(void)
{
    uint64_t components = x86_xgetbv(0);
    uint32_t size = 576;
    for (unsigned i = 2; i < 63; i++) {
        if ((components >> i & 1) == 0)
            continue;
        struct cpuid_result part = x86_cpuid(0xd, i);
        size = ((part.ecx & 2) != 0 ? (size + 63) & ~63u : size) + part.eax;
    }
    return size;
}

// XSAVE areas. Their sizes follow the guest's XCR0, which is in the CPU now: nothing else here needs one. On AMD the
// CPU itself executes XSETBV and refuses what it does not have, on Intel control.c does.
static struct cpuid_result xsave_leaf(uint32_t subleaf)
{
    if ((basic[1].ecx & ECX1_XSAVE) == 0)
        return (struct cpuid_result){ 0 };
    struct cpuid_result result = x86_cpuid(0xd, subleaf);
    bool absent = subleaf >= 2 && (subleaf >= 32 || (EAXD_ABSENT >> subleaf & 1) != 0);
    bool supervisor = subleaf >= 2 && (result.ecx & 1) != 0; // needs IA32_XSS, which comes with XSAVES
    if (absent || supervisor)
        return (struct cpuid_result){ 0 };
    if (subleaf == 0)
        result.eax &= ~EAXD_ABSENT;
    if (subleaf == 1)
        result = (struct cpuid_result){ .eax = result.eax & ~(EAXD_XSAVES | EAXD_XFD),
                                        .ebx = (result.eax & EAXD_XSAVEC) != 0 ? compacted_size() : result.ebx };
    return result;
}

// Leaf 15h: TSC = ECX * EBX / EAX, and the APIC timer counts ECX, which here is V itself. Leaf 16h has whole MHz. A
// rate that does not fit is not told: whoever does not know 40000010h then measures it, and finds the true one.
static struct cpuid_result rates_leaf(uint32_t leaf, uint64_t hz)
{
    uint32_t mhz = hz % 1000000 == 0 && hz / 1000000 <= UINT16_MAX ? (uint32_t)(hz / 1000000) : 0;
    if (leaf == 0x16)
        return (struct cpuid_result){ .eax = mhz, .ebx = mhz, .ecx = mhz };
    if (hz > UINT32_MAX)
        return (struct cpuid_result){ 0 };
    return (struct cpuid_result){ .eax = 1, .ebx = 1, .ecx = (uint32_t)hz };
}

#define DYNAMIC_BASIC (1u << 1 | 1u << 4 | 1u << 7 | 1u << 0xd | 1u << 0x15 | 1u << 0x16)

// What the guest's own registers decide, and leaves whose sub-leaves are the host's.
static struct cpuid_result dynamic_basic(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result result = basic[leaf];
    uint64_t cr4 = vendor->get(vcpu, REGISTER_CR4);
    switch (leaf) {
    case 1:
        result.ecx |= (cr4 & CR4_OSXSAVE) != 0 ? ECX1_OSXSAVE : 0;
        result.ecx |= vcpu->vm->config.bare ? 0 : ECX1_HYPERVISOR;
        result.edx &= apic_enabled(vcpu) ? UINT32_MAX : ~EDX1_APIC;
        break;
    case 4:
        result = x86_cpuid(leaf, subleaf);
        result.eax &= 0x00003fffu; // one core shares each cache
        break;
    case 7:
        if (subleaf != 0)
            return (struct cpuid_result){ 0 };
        result.ecx |= (cr4 & CR4_PKE) != 0 ? ECX7_OSPKE : 0;
        break;
    case 0xd:
        result = xsave_leaf(subleaf);
        break;
    case 0x15:
    case 0x16:
        result = rates_leaf(leaf, vcpu->vm->vtime.hz);
        break;
    default:
        break;
    }
    return result;
}

// The invariant TSC is a promise of the host's. A guest with the clock page has a better one, which will hold on
// another host too, and Linux prefers the raw TSC to it wherever this bit is set.
static struct cpuid_result dynamic_extended(const struct vcpu *vcpu, uint32_t leaf)
{
    struct cpuid_result result = extended[leaf - LEAF_EXTENDED];
    if (leaf == LEAF_EXTENDED + 1 && !apic_enabled(vcpu))
        result.edx &= ~EDX1_APIC; // on AMD the same bit as in leaf 1
    if (leaf == LEAF_EXTENDED + 1 && guest_no_execute_is_off(vcpu))
        result.edx &= ~EDX81_NX;
    if (leaf == LEAF_EXTENDED + 7 && !vcpu->vm->config.bare)
        result.edx &= ~EDX87_INVARIANT;
    return result;
}

static __attribute__((noinline)) struct cpuid_result dynamic(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
    if (leaf <= basic_max)
        return dynamic_basic(vcpu, leaf, subleaf);
    if (leaf - LEAF_EXTENDED <= extended_max)
        return dynamic_extended(vcpu, leaf);
    if (leaf >= LEAF_KVM && leaf < LEAF_KVM + 0x200 && !vcpu->vm->config.bare)
        return hypervisor_leaf(vcpu, leaf);
    return (struct cpuid_result){ 0 };
}

struct cpuid_result guest_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
    bool known = leaf <= basic_max && (DYNAMIC_BASIC >> leaf & 1) == 0;
    return known ? basic[leaf] : dynamic(vcpu, leaf, subleaf);
}

void guest_execute_cpuid(struct vcpu *vcpu, uint64_t *rax)
{
    uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    struct cpuid_result result = guest_cpuid(vcpu, (uint32_t)*rax, (uint32_t)gpr[GPR_RCX]);
    *rax = result.eax;
    gpr[GPR_RBX] = result.ebx;
    gpr[GPR_RCX] = result.ecx;
    gpr[GPR_RDX] = result.edx;
}
