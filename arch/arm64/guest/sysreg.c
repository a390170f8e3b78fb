// SPDX-License-Identifier: MIT
// Trapped system registers (Arm ARM DDI 0487, ESR_EL2's ISS of class 0x18; the registers are in D19). What has no row
// here is undefined to a guest, as it is on a CPU that has not got what the ID registers do not announce:
// SVE, SME, MTE, RAS, LORegions, activity monitors, trace, implementation defined registers.
#include "arch/arm64/guest/sysreg.h"

#include "arch/arm64/guest/idregs.h"

typedef bool (*access_fn)(struct vcpu *vcpu, uint32_t encoding, uint64_t *value);

struct rule {
    uint32_t  encoding;
    access_fn read, write; // null: undefined
};

#define MMFR2_IDS 36 // ID_AA64MMFR2_EL1

static uint64_t id_registers[IDREG_CRM_LAST + 1][8];

static bool nothing(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)vcpu, (void)encoding, (void)value;
    return true;
}

static bool zero(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)vcpu, (void)encoding;
    *value = 0;
    return true;
}

// Both counters of a guest show V.
static bool counter(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)encoding;
    *value = machine_counter_at(&vcpu->vm->machine, vcpu->vm->vtime.now);
    return true;
}

static enum gtimer_register timer_register(uint32_t encoding)
{
    static const uint8_t by_op2[] = { GTIMER_TVAL, GTIMER_CTL, GTIMER_CVAL };
    return (enum gtimer_register)by_op2[SYSREG_OP2(encoding)];
}

static bool timer_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    *value = machine_timer_read(vcpu->vm, GTIMER_PHYSICAL, timer_register(encoding));
    return true;
}

static bool timer_write(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    machine_timer_write(vcpu->vm, GTIMER_PHYSICAL, timer_register(encoding), *value);
    return true;
}

// ICC_SGI1R and ICC_ASGI1R: with one security state both mean group 1 (IHI 0069, 12.1.10).
static bool sgi_write(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)encoding;
    machine_sgi(vcpu->vm, *value);
    return true;
}

static bool sgi0_write(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)encoding;
    vgic_sgi_group0(&vcpu->vm->machine.gic, vcpu->index, *value);
    return true;
}

static bool dir_write(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)encoding;
    lr_deactivated(vcpu, *value & 0xffffff);
    return true;
}

// SRE, DFB, DIB: the system registers are the only way in.
static bool sre_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)vcpu, (void)encoding;
    *value = 7;
    return true;
}

// Facts about the host's silicon, which say which errata there are.
static bool revision_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)vcpu, (void)encoding;
    *value = sysreg_read(revidr_el1);
    return true;
}

static bool auxiliary_id_read(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
    (void)vcpu, (void)encoding;
    *value = sysreg_read(aidr_el1);
    return true;
}

static const struct rule rules[] = {
    { SYSREG_CNTPCT, counter, NULL },
    { SYSREG(3, 3, 14, 2, 0), timer_read, timer_write },  // CNTP_TVAL_EL0
    { SYSREG(3, 3, 14, 2, 1), timer_read, timer_write },  // CNTP_CTL_EL0
    { SYSREG(3, 3, 14, 2, 2), timer_read, timer_write },  // CNTP_CVAL_EL0
    { SYSREG(3, 0, 12, 11, 1), NULL, dir_write },         // ICC_DIR_EL1
    { SYSREG(3, 0, 12, 11, 5), NULL, sgi_write },         // ICC_SGI1R_EL1
    { SYSREG(3, 0, 12, 11, 6), NULL, sgi_write },         // ICC_ASGI1R_EL1
    { SYSREG(3, 0, 12, 11, 7), NULL, sgi0_write },        // ICC_SGI0R_EL1
    { SYSREG(3, 0, 12, 12, 5), sre_read, nothing },       // ICC_SRE_EL1
    { SYSREG(3, 0, 0, 0, 6), revision_read, NULL },       // REVIDR_EL1
    { SYSREG(3, 1, 0, 0, 7), auxiliary_id_read, NULL },   // AIDR_EL1
    { SYSREG(3, 0, 1, 0, 1), zero, nothing },             // ACTLR_EL1: no bit of it is the guest's
};

bool sysreg_is_id(uint32_t encoding)
{
    return (encoding & ~SYSREG(0, 0, 0, 15, 7)) == SYSREG(3, 0, 0, 0, 0) &&
           SYSREG_CRM(encoding) >= IDREG_CRM_FIRST && SYSREG_CRM(encoding) <= IDREG_CRM_LAST;
}

uint64_t sysreg_id(uint32_t encoding)
{
    return id_registers[SYSREG_CRM(encoding)][SYSREG_OP2(encoding)];
}

bool sysreg_access(struct vcpu *vcpu, uint32_t encoding, bool is_write, uint64_t *value)
{
    if (encoding >> 14 == 2)
        return debug_access(&vcpu->arch->debug, encoding, is_write, value);
    if (sysreg_is_id(encoding)) {
        *value = sysreg_id(encoding);
        return !is_write;
    }
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        access_fn access = is_write ? rules[i].write : rules[i].read;
        if (rules[i].encoding == encoding)
            return access != NULL && access(vcpu, encoding, value);
    }
    return guest_pmu_access(vcpu, encoding, is_write, value);
}

// MRC, MCR: what an AArch32 application may have of these are CNTP_TVAL and CNTP_CTL, if EL1 lets it.
static bool cp15_32(struct vcpu *vcpu, uint32_t iss, bool is_write)
{
    uint64_t *x = vcpu->arch->world.x;
    unsigned opc1 = iss >> 14 & 7, crn = iss >> 10 & 15, rt = iss >> 5 & 15, crm = iss >> 1 & 15, opc2 = iss >> 17 & 7;
    if (opc1 != 0 || crn != 14 || crm != 2 || opc2 > 1)
        return false;
    uint64_t value = x[rt];
    if (!sysreg_access(vcpu, SYSREG(3, 3, 14, 2, opc2), is_write, &value))
        return false;
    if (!is_write)
        x[rt] = (uint32_t)value;
    return true;
}

// MRRC, MCRR: CNTPCT and CNTP_CVAL.
static bool cp15_64(struct vcpu *vcpu, uint32_t iss, bool is_write)
{
    uint64_t *x = vcpu->arch->world.x;
    unsigned opc1 = iss >> 16 & 15, rt2 = iss >> 10 & 15, rt = iss >> 5 & 15, crm = iss >> 1 & 15;
    if (crm != 14 || (opc1 != 0 && opc1 != 2))
        return false;
    uint64_t value = (uint32_t)x[rt] | x[rt2] << 32;
    if (!sysreg_access(vcpu, opc1 == 0 ? SYSREG(3, 3, 14, 0, 1) : SYSREG(3, 3, 14, 2, 2), is_write, &value))
        return false;
    if (!is_write) {
        x[rt] = (uint32_t)value;
        x[rt2] = value >> 32;
    }
    return true;
}

static bool msr_or_mrs(struct vcpu *vcpu, uint32_t iss, bool is_write)
{
    uint32_t encoding = sysreg_of_iss(iss);
    unsigned rt = SYSREG_ISS_RT(iss);
    uint64_t *x = vcpu->arch->world.x;
    uint64_t value = is_write && rt != 31 ? x[rt] : 0;
    if (!sysreg_access(vcpu, encoding, is_write, &value))
        return false;
    if (!is_write && rt != 31)
        x[rt] = value;
    return true;
}

bool sysreg_trapped(struct vcpu *vcpu, uint64_t esr)
{
    uint32_t iss = (uint32_t)esr;
    bool is_write = (iss & SYSREG_ISS_READ) == 0;
    unsigned class = ESR_CLASS(esr);
    if (class == EC_SYSREG)
        return msr_or_mrs(vcpu, iss, is_write);
    if (!aarch32_condition_holds(esr, vcpu->arch->world.pstate))
        return true;
    return class == EC_CP15_32 ? cp15_32(vcpu, iss, is_write) : cp15_64(vcpu, iss, is_write);
}

// Undefined, but with FEAT_IDST what is read in the space of the ID registers (op0 3, op1 0, 1 or 3, CRn 0, CRm 0 to 7)
// is told as the access that it is.
uint64_t sysreg_undefined(uint64_t esr)
{
    uint32_t iss = (uint32_t)esr;
    unsigned op1 = iss >> 14 & 7;
    bool id_space = ESR_CLASS(esr) == EC_SYSREG && (iss & SYSREG_ISS_READ) != 0 && (iss >> 20 & 3) == 3 && op1 != 2 &&
                    op1 < 4 && (iss >> 10 & 15) == 0 && (iss >> 4 & 1) == 0;
    bool told = (id_registers[7][2] >> MMFR2_IDS & 15) != 0;
    return id_space && told ? esr : (uint64_t)EC_UNKNOWN << ESR_EC_SHIFT | (esr & ESR_IL);
}

// --- the host's ID registers, read once -----------------------------------------------------------------------------

#define READ(crm, op2)                                                                     \
    if (idreg_is_shown(crm, op2))                                                          \
        id_registers[crm][op2] = idreg_for_guest(crm, op2, sysreg_read(S3_0_C0_C##crm##_##op2), gic_version);
#define READ_ROW(crm) \
    READ(crm, 0) READ(crm, 1) READ(crm, 2) READ(crm, 3) READ(crm, 4) READ(crm, 5) READ(crm, 6) READ(crm, 7)

void sysreg_init(unsigned gic_version)
{
    READ_ROW(1)
    READ_ROW(2)
    READ_ROW(3)
    READ_ROW(4)
    READ_ROW(5)
    READ_ROW(6)
    READ_ROW(7)
}
