// SPDX-License-Identifier: MIT
// MSRs as a guest sees them: one table, a line each. An MSR that is not in it gives the guest #GP, as hardware does; no
// host MSR is ever read or written on a guest's behalf. The x2APIC range goes straight to the LAPIC.
#include "arch/x86_64/guest/guest.h"

#define MSR_TSC             0x10u
#define MSR_TSC_DEADLINE    0x6e0u
#define MSR_OSVW_LENGTH     0xc0010140u
#define MSR_KVM_WALL_CLOCK  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u
#define MSR_KVM_STEAL_TIME  0x4b564d03u

typedef bool (*msr_read)(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
typedef bool (*msr_write)(struct vcpu *vcpu, uint32_t msr, uint64_t value);

void guest_tsc_set_adjust(struct vcpu *vcpu, uint64_t adjust)
{
    uint64_t delta = adjust - vcpu->arch->tsc_adjust;
    vcpu->arch->tsc_adjust = adjust;
    vcpu->arch->tsc_planned = false;
    lapic_tsc_moved(&vcpu->vm->machine.lapic, adjust, vcpu->vm->vtime.now);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    pv_tsc_moved(vcpu, delta);
}

static bool read_zero(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu, (void)msr;
    *value = 0;
    return true;
}

static bool write_ignored(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)vcpu, (void)msr, (void)value;
    return true;
}

static bool read_tsc(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = guest_tsc(vcpu);
    return true;
}

// SDM 3B 18.17.3: a write of IA32_TSC moves IA32_TSC_ADJUST by as much.
static bool write_tsc(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    guest_tsc_set_adjust(vcpu, value - vcpu->vm->vtime.now);
    return true;
}

static bool read_tsc_adjust(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->tsc_adjust;
    return true;
}

static bool write_tsc_adjust(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    guest_tsc_set_adjust(vcpu, value);
    return true;
}

static bool read_apic_base(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = lapic_base_read(&vcpu->vm->machine.lapic);
    return true;
}

// SDM 3A 11.4.4: the base is an address, and bits above the CPU's physical addresses are reserved.
static bool write_apic_base(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (value >> guest_address_bits() != 0)
        return false;
    bool legal = lapic_base_write(&vcpu->vm->machine.lapic, value);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    return legal;
}

// One that has passed reads 0, also while it is masked or its vector still waits: then nothing was due.
static bool read_deadline(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    struct vm *vm = vcpu->vm;
    (void)msr;
    lapic_ops.advance(&vm->machine.lapic, vm->vtime.now);
    machine_settle(vm, DEVICE_LAPIC);
    *value = lapic_deadline_read(&vm->machine.lapic);
    return true;
}

static bool write_deadline(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    lapic_deadline_write(&vcpu->vm->machine.lapic, value, vcpu->arch->tsc_adjust, vcpu->vm->vtime.now);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    return true;
}

static bool read_efer(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vendor->get(vcpu, REGISTER_EFER);
    return true;
}

// APM 2, 3.1.7: SCE, LME, LMA; NXE and FFXSR where CPUID 80000001h EDX has them. LMA is the CPU's own; LME cannot
// change while paging is on.
static bool write_efer(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    uint64_t now = vendor->get(vcpu, REGISTER_EFER);
    uint32_t features = guest_cpuid(vcpu, 0x80000001, 0).edx;
    uint64_t writable = EFER_SCE | EFER_LME | ((features & 1u << 20) != 0 ? EFER_NXE : 0) |
                        ((features & 1u << 25) != 0 ? EFER_FFXSR : 0);
    if ((value & ~(writable | EFER_LMA)) != 0)
        return false;
    if (((value ^ now) & EFER_LME) != 0 && (vendor->get(vcpu, REGISTER_CR0) & CR0_PG) != 0)
        return false;
    vendor->set(vcpu, REGISTER_EFER, (value & writable) | (now & EFER_LMA));
    return true;
}

// Segment bases and system call entries: written here only where the CPU does not refuse what is no address by itself
// (calibrate.c). What is between the two groups is not here.
static bool write_address(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    if ((msr > MSR_CSTAR && msr < MSR_FS_BASE) || !is_canonical(value))
        return false;
    uint32_t reg = msr <= MSR_CSTAR ? REGISTER_LSTAR + (msr - MSR_LSTAR) : REGISTER_FS_BASE + (msr - MSR_FS_BASE);
    vendor->set(vcpu, (enum guest_register)reg, value);
    return true;
}

static bool read_pat(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->pat;
    return true;
}

static bool write_pat(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if (!pat_valid(value))
        return false;
    vcpu->arch->pat = value;
    vendor->set(vcpu, REGISTER_PAT, value);
    return true;
}

static bool read_mtrr(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    return mtrr_read(&vcpu->arch->mtrr, msr, value);
}

static bool write_mtrr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    return mtrr_write(&vcpu->arch->mtrr, msr, value, guest_address_bits());
}

// SDM 4, table 2-2, IA32_MISC_ENABLE. Branch trace and PEBS are not there, which two bits say that nobody can write.
// XD takes NX from CPUID, and with it from EFER. The others are kept and change nothing: fast strings, thermal control,
// SpeedStep, MONITOR, the limit of CPUID, xTPR, turbo. As with KVM an AMD CPU has it, too: kernels read it before they
// look at the maker's name.
#define MISC_FAST_STRINGS UINT64_C(1)
#define MISC_ABSENT       (UINT64_C(3) << 11)
#define MISC_XD_OFF       (UINT64_C(1) << 34)
#define MISC_KEPT         (MISC_FAST_STRINGS | UINT64_C(0x4000c50008) | MISC_XD_OFF)

static bool read_misc_enable(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->misc_enable | MISC_ABSENT;
    return true;
}

static bool write_misc_enable(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if ((value & ~(MISC_KEPT | MISC_ABSENT)) != 0)
        return false;
    vcpu->arch->misc_enable = value & MISC_KEPT;
    return true;
}

bool guest_no_execute_is_off(const struct vcpu *vcpu)
{
    return (vcpu->arch->misc_enable & MISC_XD_OFF) != 0;
}

// APM 2, A.9, HWCR: TscFreqSel says that the TSC counts at one rate; Linux takes a family 10h or later without it for a
// firmware bug. The TLB cache, TLB flush filter and IGNNE bits are taken without effect, as KVM does.
#define HWCR_TSC_FREQ (UINT64_C(1) << 24)
#define HWCR_IGNORED  (UINT64_C(1) << 3 | UINT64_C(1) << 6 | UINT64_C(1) << 8)

static bool read_hwcr(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->hwcr;
    return true;
}

static bool write_hwcr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    if ((value & ~(HWCR_TSC_FREQ | HWCR_IGNORED)) != 0)
        return false;
    vcpu->arch->hwcr = value & HWCR_TSC_FREQ;
    return true;
}

// LFENCE serialises; Linux sets this bit when it is not set already.
#define DE_CFG_LFENCE (UINT64_C(1) << 1)

static bool read_de_cfg(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu, (void)msr;
    *value = DE_CFG_LFENCE;
    return true;
}

static bool write_de_cfg(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)vcpu, (void)msr;
    return value == DE_CFG_LFENCE;
}

// Intel has the revision in the upper half (SDM 3A 9.11.7.1). Linux turns off the deadline timer of a CPU whose
// microcode is older than the one that repaired it; this machine's timer never had that fault. AMD's level vouches for
// repairs of the CPU itself, which nobody here can promise: 0.
static bool read_revision(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu, (void)msr;
    *value = guest_cpu_is_intel() ? UINT64_C(0x7fffffff) << 32 : 0;
    return true;
}

// So many errata are spoken of in the one status register after it, and none of them is here.
static bool read_osvw(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu;
    *value = msr == MSR_OSVW_LENGTH ? 64 : 0;
    return true;
}

static bool read_system_time(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->pv.system_msr;
    return true;
}

static bool write_system_time(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    pv_write_system_time(vcpu, value);
    return true;
}

static bool read_steal_time(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->pv.steal_msr;
    return true;
}

static bool write_steal_time(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    return pv_write_steal_time(vcpu, value);
}

static bool read_wall_clock(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->pv.wall_msr;
    return true;
}

static bool write_wall_clock(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    pv_write_wall_clock(vcpu, value);
    return true;
}

// On which machine the MSR is. What CPUID does not announce gives #GP, apart from the few that Linux reads unasked.
enum msr_when { ALWAYS, ON_AMD, ON_INTEL, WITH_KVM };

struct msr_rule {
    uint32_t      first, last;
    enum msr_when when;
    msr_read      read;  // null: reading gives #GP
    msr_write     write; // null: writing gives #GP
};

// Sorted by number. SDM 4 has Intel's, APM 2 appendix A AMD's, msr.rst KVM's.
static const struct msr_rule rules[] = {
    { MSR_TSC, MSR_TSC, ALWAYS, read_tsc, write_tsc },
    { 0x11, 0x11, WITH_KVM, read_wall_clock, write_wall_clock },  // the clock page's first numbers
    { 0x12, 0x12, WITH_KVM, read_system_time, write_system_time },
    { 0x17, 0x17, ON_INTEL, read_zero, NULL },                    // IA32_PLATFORM_ID, read by the microcode loader
    { MSR_APIC_BASE, MSR_APIC_BASE, ALWAYS, read_apic_base, write_apic_base },
    { 0x34, 0x34, ON_INTEL, read_zero, NULL },                    // SMI_COUNT: there is no SMI
    { 0x3b, 0x3b, ALWAYS, read_tsc_adjust, write_tsc_adjust },    // IA32_TSC_ADJUST
    { 0x79, 0x79, ON_INTEL, NULL, write_ignored },                // microcode update: taken, without effect
    { 0x8b, 0x8b, ALWAYS, read_revision, write_ignored },         // microcode revision, AMD's PATCH_LEVEL
    { MSR_MTRR_CAP, MSR_MTRR_CAP, ALWAYS, read_mtrr, NULL },
    { 0x179, 0x179, ALWAYS, read_zero, NULL },                    // MCG_CAP: no bank that could report an error
    { 0x1a0, 0x1a0, ALWAYS, read_misc_enable, write_misc_enable },
    { 0x1d9, 0x1d9, ALWAYS, read_zero, write_ignored },           // DEBUGCTL: no branch records, no branch stepping
    { 0x200, 0x26f, ALWAYS, read_mtrr, write_mtrr },              // variable and fixed ones; those between are refused
    { 0x277, 0x277, ALWAYS, read_pat, write_pat },
    { MSR_MTRR_DEF, MSR_MTRR_DEF, ALWAYS, read_mtrr, write_mtrr },
    { MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, ALWAYS, read_deadline, write_deadline },
    { MSR_KVM_WALL_CLOCK, MSR_KVM_WALL_CLOCK, WITH_KVM, read_wall_clock, write_wall_clock },
    { MSR_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME, WITH_KVM, read_system_time, write_system_time },
    { MSR_KVM_STEAL_TIME, MSR_KVM_STEAL_TIME, WITH_KVM, read_steal_time, write_steal_time },
    { MSR_EFER, MSR_EFER, ALWAYS, read_efer, write_efer },
    { MSR_LSTAR, MSR_KERNEL_GS_BASE, ON_AMD, NULL, write_address }, // read without an exit
    { 0xc0010000, 0xc0010007, ON_AMD, read_zero, write_ignored }, // PERF_CTL0-3, PERF_CTR0-3: in every K7 and later
    { 0xc0010010, 0xc0010010, ON_AMD, read_zero, write_ignored }, // SYSCFG: no TOM2, no encryption
    { 0xc0010015, 0xc0010015, ON_AMD, read_hwcr, write_hwcr },
    { 0xc001001f, 0xc001001f, ON_AMD, read_zero, write_ignored }, // NB_CFG
    { 0xc0010020, 0xc0010020, ON_AMD, NULL, write_ignored },      // microcode update: taken, without effect
    { 0xc0010055, 0xc0010055, ON_AMD, read_zero, write_ignored }, // interrupt pending message: no C1E
    { 0xc0010064, 0xc001006b, ON_AMD, read_zero, NULL },          // P-states: none is enabled
    { MSR_OSVW_LENGTH, MSR_OSVW_LENGTH + 1, ON_AMD, read_osvw, NULL }, // CPUID 80000001h ECX bit 9
    { 0xc0011029, 0xc0011029, ON_AMD, read_de_cfg, write_de_cfg },
};

static bool present(const struct vcpu *vcpu, const struct msr_rule *rule)
{
    switch (rule->when) {
    case ALWAYS: return true;
    case ON_AMD: return guest_cpu_is_amd();
    case ON_INTEL: return guest_cpu_is_intel();
    case WITH_KVM: return !vcpu->vm->config.bare;
    }
    return false;
}

// Null when the guest has no such MSR.
static const struct msr_rule *find_rule(const struct vcpu *vcpu, uint32_t msr)
{
    size_t low = 0, high = sizeof(rules) / sizeof(rules[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (msr > rules[middle].last)
            low = middle + 1;
        else if (msr < rules[middle].first)
            high = middle;
        else
            return present(vcpu, &rules[middle]) ? &rules[middle] : NULL;
    }
    return NULL;
}

// What firmware and reset leave behind. The hole below 4 GiB, for devices, is above the largest guest's RAM.
void guest_msr_reset(struct vcpu *vcpu)
{
    vcpu->arch->misc_enable = MISC_FAST_STRINGS;
    vcpu->arch->hwcr = HWCR_TSC_FREQ;
    mtrr_reset(&vcpu->arch->mtrr, UINT64_C(2) << 30, guest_address_bits());
}

static bool is_x2apic(uint32_t msr)
{
    return msr - 0x800u < 0x100u;
}

bool guest_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    if (is_x2apic(msr))
        return lapic_read_msr(&vcpu->vm->machine.lapic, msr, value, vcpu->vm->vtime.now);
    const struct msr_rule *rule = find_rule(vcpu, msr);
    return rule != NULL && rule->read != NULL && rule->read(vcpu, msr, value);
}

bool guest_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    if (is_x2apic(msr)) {
        bool legal = lapic_write_msr(&vcpu->vm->machine.lapic, msr, value, vcpu->vm->vtime.now);
        machine_settle(vcpu->vm, DEVICE_LAPIC);
        return legal;
    }
    if (msr == MSR_TSC_DEADLINE) // of a tickless kernel's writes nearly all
        return write_deadline(vcpu, msr, value);
    const struct msr_rule *rule = find_rule(vcpu, msr);
    return rule != NULL && rule->write != NULL && rule->write(vcpu, msr, value);
}
