// SPDX-License-Identifier: MIT
// MSRs as a guest sees them: one table, a line each. An MSR that is not in it gives the guest #GP, as hardware does; no
// host MSR is ever read or written on a guest's behalf. The x2APIC range goes straight to the LAPIC.
#include "arch/x86_64/vendor.h"

#define MSR_TSC             0x10u
#define MSR_TSC_DEADLINE    0x6e0u
#define MSR_KVM_WALL_CLOCK  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u

typedef bool (*msr_read)(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
typedef bool (*msr_write)(struct vcpu *vcpu, uint32_t msr, uint64_t value);

uint64_t guest_tsc(const struct vcpu *vcpu)
{
    return vcpu->vm->vtime.now + vcpu->arch->tsc_adjust;
}

void guest_tsc_set_adjust(struct vcpu *vcpu, uint64_t adjust)
{
    uint64_t delta = adjust - vcpu->arch->tsc_adjust;
    vcpu->arch->tsc_adjust = adjust;
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

static bool read_deadline(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = lapic_deadline_read(&vcpu->vm->machine.lapic);
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

// APM 2, 3.1.7: SCE, LME, LMA, NXE, FFXSR. LMA is the CPU's own; LME cannot change while paging is on.
static bool write_efer(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    uint64_t now = vendor->get(vcpu, REGISTER_EFER);
    uint64_t writable = (UINT64_C(1) << 0) | EFER_LME | (UINT64_C(1) << 11) | (UINT64_C(1) << 14);
    if ((value & ~(writable | EFER_LMA)) != 0)
        return false;
    if (((value ^ now) & EFER_LME) != 0 && (vendor->get(vcpu, REGISTER_CR0) & CR0_PG) != 0)
        return false;
    vendor->set(vcpu, REGISTER_EFER, (value & writable) | (now & EFER_LMA));
    return true;
}

static bool read_pat(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->pat;
    return true;
}

// SDM 3A 11.12.2: each byte is a memory type 0, 1, 4, 5, 6 or 7.
static bool write_pat(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t type = (value >> i) & 0xff;
        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    vcpu->arch->pat = value;
    vendor->set(vcpu, REGISTER_PAT, value);
    return true;
}

// MTRRs are plain storage: nested paging decides memory types, and all guest RAM is write-back.
static uint64_t *mtrr_cell(struct vcpu *vcpu, uint32_t msr)
{
    static const uint32_t fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f };
    if (msr == 0x2ff)
        return &vcpu->arch->mtrr_default;
    if (msr >= 0x200 && msr < 0x210)
        return &vcpu->arch->mtrr_variable[msr - 0x200];
    for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (fixed[i] == msr)
            return &vcpu->arch->mtrr_fixed[i];
    }
    return NULL;
}

static bool read_mtrr(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    const uint64_t *cell = mtrr_cell(vcpu, msr);
    *value = cell != NULL ? *cell : 0;
    return cell != NULL;
}

static bool write_mtrr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    uint64_t *cell = mtrr_cell(vcpu, msr);
    if (cell != NULL)
        *cell = value;
    return cell != NULL;
}

static bool read_mtrr_capability(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu, (void)msr;
    *value = 0x508; // SDM 3A 11.11.1: 8 variable ranges, fixed ranges, write-combining
    return true;
}

static bool read_misc_enable(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->arch->misc_enable;
    return true;
}

static bool write_misc_enable(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)msr;
    vcpu->arch->misc_enable = value;
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
    return pv_write_system_time(vcpu, value);
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
    return pv_write_wall_clock(vcpu, value);
}

struct msr_rule {
    uint32_t  first, last;
    msr_read  read;  // null: reading gives #GP
    msr_write write; // null: writing gives #GP
};

// Sorted by number.
static const struct msr_rule rules[] = {
    { MSR_TSC, MSR_TSC, read_tsc, write_tsc },
    { 0x11, 0x11, read_wall_clock, write_wall_clock },          // the clock page's first numbers (msr.rst)
    { 0x12, 0x12, read_system_time, write_system_time },
    { 0x17, 0x17, read_zero, NULL },                            // IA32_PLATFORM_ID
    { MSR_APIC_BASE, MSR_APIC_BASE, read_apic_base, write_apic_base },
    { 0x3b, 0x3b, read_tsc_adjust, write_tsc_adjust },          // IA32_TSC_ADJUST
    { 0x79, 0x79, NULL, write_ignored },                        // microcode update: taken, without effect
    { 0x8b, 0x8b, read_zero, write_ignored },                   // microcode revision
    { 0xfe, 0xfe, read_mtrr_capability, NULL },
    { 0x179, 0x17a, read_zero, write_ignored },                 // MCG_CAP: no machine-check banks; MCG_STATUS
    { 0x1a0, 0x1a0, read_misc_enable, write_misc_enable },
    { 0x1d9, 0x1d9, read_zero, write_ignored },                 // DEBUGCTL: no branch records
    { 0x200, 0x20f, read_mtrr, write_mtrr },
    { 0x250, 0x26f, read_mtrr, write_mtrr },
    { 0x277, 0x277, read_pat, write_pat },
    { 0x2ff, 0x2ff, read_mtrr, write_mtrr },
    { MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, read_deadline, write_deadline },
    { MSR_KVM_WALL_CLOCK, MSR_KVM_WALL_CLOCK, read_wall_clock, write_wall_clock },
    { MSR_KVM_SYSTEM_TIME, MSR_KVM_SYSTEM_TIME, read_system_time, write_system_time },
    { MSR_EFER, MSR_EFER, read_efer, write_efer },
    { 0xc0010000, 0xc0010007, read_zero, write_ignored },       // PERF_CTL0-3, PERF_CTR0-3: every AMD CPU has them
    { 0xc0010010, 0xc0010010, read_zero, write_ignored },       // SYSCFG
    { 0xc0010015, 0xc0010015, read_zero, write_ignored },       // HWCR
    { 0xc001001f, 0xc001001f, read_zero, write_ignored },       // NB_CFG
    { 0xc0010055, 0xc0010055, read_zero, write_ignored },       // interrupt pending message
    { 0xc0010114, 0xc0010114, read_zero, NULL },                // VM_CR: no SVM inside
};

static const struct msr_rule *find_rule(uint32_t msr)
{
    size_t low = 0, high = sizeof(rules) / sizeof(rules[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (msr > rules[middle].last)
            low = middle + 1;
        else if (msr < rules[middle].first)
            high = middle;
        else
            return &rules[middle];
    }
    return NULL;
}

static bool is_x2apic(uint32_t msr)
{
    return msr - 0x800u < 0x100u;
}

bool guest_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    if (is_x2apic(msr))
        return lapic_read_msr(&vcpu->vm->machine.lapic, msr, value, vcpu->vm->vtime.now);
    const struct msr_rule *rule = find_rule(msr);
    return rule != NULL && rule->read != NULL && rule->read(vcpu, msr, value);
}

bool guest_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    if (is_x2apic(msr)) {
        bool legal = lapic_write_msr(&vcpu->vm->machine.lapic, msr, value, vcpu->vm->vtime.now);
        machine_settle(vcpu->vm, DEVICE_LAPIC);
        return legal;
    }
    const struct msr_rule *rule = find_rule(msr);
    return rule != NULL && rule->write != NULL && rule->write(vcpu, msr, value);
}
