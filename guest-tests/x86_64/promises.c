// SPDX-License-Identifier: MIT
// What CPUID announces, the machine does; what every x86 CPU does, happens here too. Things on which kernels rely
// without asking, each found with a test kernel that somebody else wrote.
#include "guest-tests/lib/x86_64/devices.h"

#define NMI         2u
#define GP          13u

#define MSR_TSC_AUX 0xc0000103u
#define RFLAGS_RF   (1u << 16)

#define ICR_NMI     0x4400u // delivery mode NMI, asserted, physical destination

static bool readable(uint32_t msr)
{
    uint64_t value;
    return rdmsr_trap(msr, &value) == TRAP_NONE;
}

static uint32_t rdtscp_aux(void)
{
    uint32_t aux;
    __asm__ volatile("rdtscp" : "=c"(aux) : : "rax", "rdx");
    return aux;
}

static uint32_t rdpid(void)
{
    uint64_t aux;
    __asm__ volatile("rdpid %0" : "=r"(aux));
    return (uint32_t)aux;
}

static void test_tsc_aux(void)
{
    bool has_rdtscp = (cpuid(0x80000001, 0).edx & 1u << 27) != 0, has_rdpid = (cpuid(7, 0).ecx & 1u << 22) != 0;
    if (!has_rdtscp) {
        skip("CPUID announces no RDTSCP", "TSC_AUX");
        return;
    }
    bool starts_as_zero = rdtscp_aux() == 0, kept = true;
    for (uint32_t value = 1; value != 0; value <<= 1) {
        wrmsr(MSR_TSC_AUX, value);
        outb(0x80, 0); // an exit between the write and the reads
        kept = kept && rdtscp_aux() == value && rdmsr(MSR_TSC_AUX) == value && (!has_rdpid || rdpid() == value);
    }
    wrmsr(MSR_TSC_AUX, 0);
    ok(starts_as_zero && kept, "RDTSCP and RDPID show what is in TSC_AUX, 0 at the start");
}

// CPUID's bit, and an MSR that comes with the feature.
static const struct announced {
    const char *name;
    uint32_t leaf, subleaf;
    uint8_t reg, bit; // EAX, EBX, ECX, EDX
    uint32_t msr;
} announced[] = {
    { "TSC_ADJUST", 7, 0, 1, 1, 0x3b },
    { "deadline timer", 1, 0, 2, 24, 0x6e0 },
    { "MTRR", 1, 0, 3, 12, 0xfe },
    { "PAT", 1, 0, 3, 16, 0x277 },
    { "machine check", 1, 0, 3, 14, 0x179 },
    { "PKS", 7, 0, 2, 31, 0x6e1 },
    { "SPEC_CTRL", 7, 0, 3, 26, 0x48 },
    { "ARCH_CAPABILITIES", 7, 0, 3, 29, 0x10a },
    { "CET", 7, 0, 2, 7, 0x6a2 },
    { "UMWAIT", 7, 0, 2, 5, 0xe1 },
    { "PERFMON", 1, 0, 2, 15, 0x345 },
    { "XSAVES", 0xd, 1, 0, 3, 0xda0 },
    { "XFD", 0xd, 1, 0, 4, 0x1c4 },
    { "AMD SPEC_CTRL", 0x80000008, 0, 1, 14, 0x48 },
    { "VIRT_SSBD", 0x80000008, 0, 1, 25, 0xc001011f },
    { "core counters", 0x80000001, 0, 2, 23, 0xc0010200 },
    { "SVM", 0x80000001, 0, 2, 2, 0xc0010117 },
    { "VMX", 1, 0, 2, 5, 0x480 },
    { "extended machine check", 0x80000001, 0, 3, 14, 0x179 },
};

static void test_announced(void)
{
    unsigned broken = 0, made = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(announced); i++) {
        const struct announced *a = &announced[i];
        struct cpuid_result r = cpuid(a->leaf, a->subleaf);
        uint32_t value = a->reg == 0 ? r.eax : a->reg == 1 ? r.ebx : a->reg == 2 ? r.ecx : r.edx;
        if ((value >> a->bit & 1) == 0)
            continue;
        made++;
        if (!readable(a->msr)) {
            diag("CPUID announces %s, and MSR 0x%x cannot be read", a->name, a->msr);
            broken++;
        }
    }
    ok(broken == 0, "the MSRs of %u announced features can be read", made);
}

// APM 2, 13.2.3: in every AMD CPU since the K7, without a bit in CPUID.
static void test_amd_counters(void)
{
    if (cpuid(0, 0).ecx != 0x444d4163) { // "cAMD"
        skip("this CPU does not call itself AuthenticAMD", "legacy performance counters");
        return;
    }
    unsigned present = 0;
    for (uint32_t msr = 0xc0010000; msr < 0xc0010008; msr++)
        present += readable(msr);
    ok(present == 8, "an AMD CPU has its four legacy performance counters (%u of 8 MSRs)", present);
}

static uint64_t fault_rflags;

static void note_fault(struct trap *trap)
{
    fault_rflags = trap->cpu->rflags;
    trap->cpu->rip += 2;
}

#define INT_VECTOR 0x40u

static void note_interrupt(struct trap *trap)
{
    fault_rflags = trap->cpu->rflags;
}

// SDM 3B 17.3.1.1: every instruction that completes clears RF, one that the monitor executes too.
static void test_resume_flag_cleared(void)
{
    trap_set(INT_VECTOR, note_interrupt);
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %%ss, %%eax\n\tpush %%rax\n\tpush %%rbx\n\tpushf\n\t"
                     "orq %0, (%%rsp)\n\tmov %%cs, %%eax\n\tpush %%rax\n\tlea 1f(%%rip), %%rax\n\tpush %%rax\n\t"
                     "iretq\n1:\tout %%al, $0x80\n\tint %1"
                     :
                     : "i"(RFLAGS_RF), "i"(INT_VECTOR)
                     : "rax", "rbx", "memory", "cc");
    trap_reset(INT_VECTOR);
    ok((fault_rflags & RFLAGS_RF) == 0, "OUT clears the RF that IRET has set");
}

// SDM 3B 17.3.1.1: the frame of a fault has RF set.
static void test_resume_flag(void)
{
    trap_set(GP, note_fault);
    __asm__ volatile("rdmsr" : : "c"(0x40001234) : "rax", "rdx", "memory");
    trap_reset(GP);
    if (platform.escapement)
        ok((fault_rflags & RFLAGS_RF) != 0, "RDMSR of an unknown MSR: the frame of #GP has RF set");
    else
        skip("QEMU's TCG itself does not set it", "RF in the frame of a fault");
}

static void set_cr4_bit(uint64_t bit)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | UINT64_C(1) << bit) : "memory");
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

// CR4's bits come with a feature: the one that CPUID announces can be set, the other is #GP (SDM 3A 2.5).
static void test_cr4(void)
{
    static const struct {
        const char *name;
        uint8_t bit, leaf, reg, feature; // reg: 1 EBX, 2 ECX, 3 EDX
    } bits[] = {
        { "UMIP", 11, 7, 2, 2 }, { "FSGSBASE", 16, 7, 1, 0 }, { "PCID", 17, 1, 2, 17 },   { "OSXSAVE", 18, 1, 2, 26 },
        { "SMEP", 20, 7, 1, 7 }, { "SMAP", 21, 7, 1, 20 },    { "PKU", 22, 7, 2, 3 },     { "CET", 23, 7, 2, 7 },
        { "PKS", 24, 7, 2, 31 }, { "VMX", 13, 1, 2, 5 },      { "SMX", 14, 1, 2, 6 },
    };
    unsigned right = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(bits); i++) {
        struct cpuid_result r = cpuid(bits[i].leaf, 0);
        uint32_t value = bits[i].reg == 1 ? r.ebx : bits[i].reg == 2 ? r.ecx : r.edx;
        unsigned vector = catch_trap(set_cr4_bit, bits[i].bit).vector;
        bool agrees = (value >> bits[i].feature & 1) != 0 ? vector == TRAP_NONE : vector == GP;
        if (!agrees)
            diag("CR4's bit of %s: trap %u", bits[i].name, vector);
        right += agrees;
    }
    bool la57 = (cpuid(7, 0).ecx >> 16 & 1) != 0; // it cannot change in long mode in any case
    if (platform.escapement)
        ok(right == ARRAY_LENGTH(bits) && !la57 && catch_trap(set_cr4_bit, 12).vector == GP,
           "CR4 takes the bits of announced features, and #GP for others (%u of %u)", right,
           (unsigned)ARRAY_LENGTH(bits));
    else
        skip("QEMU's TCG takes some that its CPUID does not announce", "CR4 against CPUID");
}

static uint64_t apic_base_value;

static void write_apic_base(uint64_t value)
{
    wrmsr(MSR_APIC_BASE, value);
}

static void test_apic_base(void)
{
    uint64_t width = cpuid(0x80000008, 0).eax & 0xff, refused = 0;
    apic_base_value = rdmsr(MSR_APIC_BASE);
    if (!platform.escapement) {
        skip("QEMU does not look", "reserved bits of the APIC base");
        return;
    }
    for (uint64_t bit = width; bit < 64; bit++)
        refused += catch_trap(write_apic_base, apic_base_value | UINT64_C(1) << bit).vector == GP;
    ok(refused == 64 - width && rdmsr(MSR_APIC_BASE) == apic_base_value,
       "no bit of the APIC's base above %lu address bits is taken", width);
}

static volatile uint64_t nmi_count, nmi_rip[2], nmi_held;

static void send_nmi(void)
{
    lapic_write(APIC_ICR + 0x10, 0); // to APIC id 0: this one
    lapic_write(APIC_ICR, ICR_NMI);
}

static void take_nmi(struct trap *trap)
{
    uint64_t count = nmi_count++;
    if (count < ARRAY_LENGTH(nmi_rip))
        nmi_rip[count] = trap->cpu->rip;
    if (count != 0)
        return;
    for (unsigned i = 0; i < 5; i++)
        send_nmi();
    nmi_held = nmi_count; // still 1: the first one's IRET opens them again
}

// SDM 3A 6.7.1: one more waits while an NMI is handled, and comes as soon as the IRET is over: where the first came.
static void test_nmi_after_nmi(void)
{
    unsigned good = 0;
    trap_set(NMI, take_nmi);
    for (unsigned i = 0; i < 100; i++) {
        nmi_count = 0;
        send_nmi();
        __asm__ volatile(".rept 32\n\tnop\n\t.endr" : : : "memory");
        good += nmi_held == 1 && nmi_count == 2 && nmi_rip[0] == nmi_rip[1];
    }
    trap_reset(NMI);
    ok_exact(good == 100, "an NMI that waited is taken at the boundary after IRET (%u of 100)", good);
}

void test_main(void)
{
    plan(8);
    pic_init(0xff);
    lapic_init(false);
    test_tsc_aux();
    test_announced();
    test_amd_counters();
    test_resume_flag();
    test_resume_flag_cleared();
    test_cr4();
    test_apic_base();
    test_nmi_after_nmi();
}
