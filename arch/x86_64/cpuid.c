// SPDX-License-Identifier: MIT
// CPUID as a guest sees it: the host's own leaves, less what this machine does not give, plus the leaves that tell a
// guest its clock rates (TIME.md §2.1, KVM's cpuid.rst) and who we are. Static leaves are filtered once at boot; what
// depends on the guest's own state (CR4, APIC base, sub-leaf) is done per call.
#include "arch/x86_64/vendor.h"
#include "arch/x86_64/x86.h"
#include "time/ratio.h"

#define LEAF_BASIC    0x00000000u
#define LEAF_KVM      0x40000000u
#define LEAF_OWN      0x40000100u
#define LEAF_EXTENDED 0x80000000u

#define BASIC_LEAVES    0x17u // 0 .. 16h
#define EXTENDED_LEAVES 0x22u // 80000000h .. 80000021h

// Leaf 1, SDM 2A CPUID.
#define ECX1_MONITOR      (1u << 3)
#define ECX1_VMX          (1u << 5)
#define ECX1_PDCM         (1u << 15)
#define ECX1_PCID         (1u << 17)
#define ECX1_X2APIC       (1u << 21)
#define ECX1_TSC_DEADLINE (1u << 24)
#define ECX1_OSXSAVE      (1u << 27)
#define ECX1_RDRAND       (1u << 30)
#define ECX1_HYPERVISOR   (1u << 31)
#define EDX1_MCE          (1u << 7)
#define EDX1_APIC         (1u << 9)
#define EDX1_MCA          (1u << 14)
#define EDX1_HTT          (1u << 28)
// Leaf 7.
#define EBX7_TSC_ADJUST (1u << 1)
#define EBX7_SGX        (1u << 2)
#define EBX7_INVPCID    (1u << 10)
#define EBX7_RDT_M      (1u << 12)
#define EBX7_RDT_A      (1u << 15)
#define EBX7_RDSEED     (1u << 18)
#define EBX7_PT         (1u << 25)
#define ECX7_WAITPKG    (1u << 5)
#define ECX7_CET_SS     (1u << 7)
#define ECX7_LA57       (1u << 16)
#define ECX7_ENQCMD     (1u << 29)
#define ECX7_SGX_LC     (1u << 30)
#define ECX7_PKS        (1u << 31)
#define EDX7_FSRM       (1u << 4)
#define EDX7_SERIALIZE  (1u << 14)
// Leaf Dh, sub-leaf 1: XSAVES has an MSR of its own, and so has XFD.
#define EAXD_XSAVES     (1u << 3)
#define EAXD_XFD        (1u << 4)
// Leaf 80000001h, APM 3 E.4.
#define ECX81_SVM        (1u << 2)
#define ECX81_EXTAPIC    (1u << 3)
#define ECX81_IBS        (1u << 10)
#define ECX81_SKINIT     (1u << 12)
#define ECX81_PERFCORE   (1u << 23)
#define ECX81_MWAITX     (1u << 29)
#define ECX81_TOPOEXT    (1u << 22)
#define ECX81_PERFNB     (1u << 24)
#define ECX81_PERFTSC    (1u << 27)
#define ECX81_PERFLLC    (1u << 28)
#define EDX87_INVARIANT  (1u << 8)
// Leaf 80000008h EBX: those that are instructions alone, CLZERO, RstrFpErrPtrs and WBNOINVD. The others have MSRs.
#define EBX88_KEPT       ((1u << 0) | (1u << 2) | (1u << 9))
// Leaf 80000021h EAX: LFENCE serialises, a null selector clears the base.
#define EAX821_KEPT      ((1u << 2) | (1u << 6))

#define KVM_FEATURE_CLOCKSOURCE  (1u << 0)
#define KVM_FEATURE_CLOCKSOURCE2 (1u << 3)
#define KVM_FEATURE_CLOCK_STABLE (1u << 24)

#define OWN_EXACT_CLOCK (1u << 0) // clock=guest: what this guest sees depends on itself alone
#define OWN_ORACLE      (1u << 1) // the oracle hypercalls answer

static struct cpuid_result basic[BASIC_LEAVES], extended[EXTENDED_LEAVES];
static uint32_t            basic_max, extended_max;

// Leaf 15h gives TSC = ECX * EBX / EAX. The crystal has 32 bits, so a faster TSC is written as a whole multiple of a
// crystal that divides it; a rate that no small multiple divides is not told here (0x40000010 has it).
static void tell_tsc_crystal(void)
{
    uint64_t hz = arch_counter_hz();
    for (uint32_t multiple = 1; multiple <= 1000; multiple++) {
        if (hz % multiple == 0 && hz / multiple <= UINT32_MAX) {
            basic[0x15] = (struct cpuid_result){ .eax = 1, .ebx = multiple, .ecx = (uint32_t)(hz / multiple) };
            return;
        }
    }
}

static void filter_basic(void)
{
    basic_max = x86_cpuid(LEAF_BASIC, 0).eax;
    if (basic_max >= BASIC_LEAVES)
        basic_max = BASIC_LEAVES - 1;
    for (uint32_t leaf = 0; leaf <= basic_max; leaf++)
        basic[leaf] = x86_cpuid(leaf, 0);
    if (basic_max < 0x15)
        basic_max = 0x15;
    basic[0].eax = basic_max;
    basic[1].ebx &= 0x0000ffffu; // initial APIC id 0, one logical processor
    basic[1].ebx |= 1u << 16;
    // RDRAND and RDSEED would bring in what no run repeats (law 9); a guest that was not offered them does not ask.
    basic[1].ecx &= ~(ECX1_MONITOR | ECX1_VMX | ECX1_PDCM | ECX1_PCID | ECX1_OSXSAVE | ECX1_RDRAND);
    basic[1].ecx |= ECX1_X2APIC | ECX1_TSC_DEADLINE | ECX1_HYPERVISOR;
    basic[1].edx &= ~(EDX1_MCE | EDX1_MCA | EDX1_HTT);
    basic[4] = (struct cpuid_result){ 0 };   // deterministic cache parameters: per sub-leaf, see guest_cpuid
    basic[5] = (struct cpuid_result){ 0 };   // MONITOR
    basic[6] = (struct cpuid_result){ .eax = 1u << 2 }; // ARAT: the APIC timer never stops
    basic[7].eax = 0;
    basic[7].ebx |= EBX7_TSC_ADJUST;
    basic[7].ebx &= ~(EBX7_SGX | EBX7_INVPCID | EBX7_RDT_M | EBX7_RDT_A | EBX7_RDSEED | EBX7_PT);
    basic[7].ecx &= ~(ECX7_WAITPKG | ECX7_CET_SS | ECX7_LA57 | ECX7_ENQCMD | ECX7_SGX_LC | ECX7_PKS);
    basic[7].edx &= EDX7_FSRM | EDX7_SERIALIZE; // the others are controls in MSRs that this machine does not have
    basic[0xa] = (struct cpuid_result){ 0 }; // no performance counters
    basic[0xb] = (struct cpuid_result){ 0 }; // one CPU: no topology to tell
    basic[0x14] = (struct cpuid_result){ 0 };
    basic[0x15] = (struct cpuid_result){ 0 };
    basic[0x16] = (struct cpuid_result){ 0 };
    tell_tsc_crystal();
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
    extended[1].ecx &= ~(ECX81_SVM | ECX81_EXTAPIC | ECX81_IBS | ECX81_SKINIT | ECX81_TOPOEXT |
                         ECX81_PERFCORE | ECX81_PERFNB | ECX81_PERFTSC | ECX81_PERFLLC | ECX81_MWAITX);
    extended[1].edx &= ~(EDX1_MCE | EDX1_MCA); // the same bits as in leaf 1
    extended[7].edx |= EDX87_INVARIANT; // V runs at one rate for ever
    extended[8].ebx &= EBX88_KEPT;
    extended[8].ecx = 0;                // one core
    for (uint32_t leaf = 9; leaf <= extended_max; leaf++) // SVM, IBS, topology, encryption; 19h and 1Ah are plain facts
        if (leaf != 0x19 && leaf != 0x1a && leaf != 0x21)
            extended[leaf] = (struct cpuid_result){ 0 };
    if (extended_max >= 0x21)
        extended[0x21] = (struct cpuid_result){ .eax = extended[0x21].eax & EAX821_KEPT };
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
    bool exact = vcpu->vm->vtime.clock != CLOCK_WALL && vcpu->vm->vtime.idle == IDLE_WARP;
    switch (leaf) {
    case LEAF_KVM: // "KVMKVMKVM": stock guests look for this before they use the clock page
        return (struct cpuid_result){ 0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d };
    case LEAF_KVM + 1:
        return (struct cpuid_result){
            .eax = KVM_FEATURE_CLOCKSOURCE | KVM_FEATURE_CLOCKSOURCE2 | KVM_FEATURE_CLOCK_STABLE
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

// What the guest's own registers decide, and leaves whose sub-leaves are the host's.
static struct cpuid_result dynamic_basic(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result result = basic[leaf];
    switch (leaf) {
    case 1:
        if ((vendor->get(vcpu, REGISTER_CR4) & CR4_OSXSAVE) != 0)
            result.ecx |= ECX1_OSXSAVE;
        if (!lapic_mmio_enabled(&vcpu->vm->machine.lapic) && (lapic_base_read(&vcpu->vm->machine.lapic) >> 11 & 1) == 0)
            result.edx &= ~EDX1_APIC;
        break;
    case 4:
        result = x86_cpuid(leaf, subleaf);
        result.eax &= 0x00003fffu; // one core shares each cache
        break;
    case 7:
        if (subleaf != 0)
            result = (struct cpuid_result){ 0 };
        break;
    case 0xd: // XSAVE area sizes follow the guest's XCR0, which is in the CPU now
        result = x86_cpuid(leaf, subleaf);
        if (subleaf == 1)
            result.eax &= ~(EAXD_XSAVES | EAXD_XFD);
        break;
    default:
        break;
    }
    return result;
}

struct cpuid_result guest_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
    if (leaf <= basic_max)
        return dynamic_basic(vcpu, leaf, subleaf);
    if (leaf - LEAF_EXTENDED <= extended_max)
        return extended[leaf - LEAF_EXTENDED];
    if (leaf >= LEAF_KVM && leaf < LEAF_KVM + 0x200)
        return hypervisor_leaf(vcpu, leaf);
    return (struct cpuid_result){ 0 };
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
