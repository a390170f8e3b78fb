// SPDX-License-Identifier: MIT
// List registers of both versions: see vgic_lr.h. Version 3 has them in system registers (IHI 0069, 12.4), version 2 in
// a frame (IHI 0048, 5.3); what is in them has the same fields in other places. An interrupt of the hardware is active
// in the host's GIC for as long as it is in one. Called by vcpu.c and interrupts.c.
#include "arch/arm64/vgic_lr.h"

#include "arch/arm64/host/gic.h"
#include "arch/arm64/vcpu.h"

// ICH_LR<n>_EL2. Without HW, bit 41 asks for maintenance when the interrupt ends.
#define V3_PHYSICAL_SHIFT 32
#define V3_EOI            (UINT64_C(1) << 41)
#define V3_PRIORITY_SHIFT 48
#define V3_GROUP1         (UINT64_C(1) << 60)
#define V3_HW             (UINT64_C(1) << 61)
#define V3_PENDING        (UINT64_C(1) << 62)
#define V3_ACTIVE         (UINT64_C(1) << 63)

// GICH_LR<n>. Without HW, bit 19 is that, and the sender of an SGI is where the physical number would be.
#define V2_PHYSICAL_SHIFT 10
#define V2_EOI            (UINT32_C(1) << 19)
#define V2_PRIORITY_SHIFT 20 // of a byte, whose lower three bits have no room
#define V2_PRIORITY_MASK  0xf8u
#define V2_PENDING        (UINT32_C(1) << 28)
#define V2_ACTIVE         (UINT32_C(1) << 29)
#define V2_GROUP1         (UINT32_C(1) << 30)
#define V2_HW             (UINT32_C(1) << 31)

#define GICH_HCR          0x00u
#define GICH_VTR          0x04u
#define GICH_VMCR         0x08u
#define GICH_APR          0xf0u
#define GICH_LR           0x100u

// ICH_HCR_EL2 and GICH_HCR, the same bits. Maintenance when an EOI had no list register, and when none is pending.
#define HCR_GIC_ENABLE    0x1u
#define HCR_TELL_EOICOUNT 0x4u
#define HCR_TELL_NONE     0x8u
#define HCR_TRAP_DIR      0x4000u // version 3 only
#define HCR_EOICOUNT(hcr) ((unsigned)((hcr) >> 27) & 31)

// ICH_VMCR_EL2 and GICH_VMCR: both groups off, everything masked, the binary points as low as they go for five bits.
#define VMCR_RESET        0x004c0000u
#define VMCR_GROUPS       0x3u
#define VMCR_SPLIT        0x200u // EOImode: priority drop and deactivation are two
#define VMCR_MASK_SHIFT   24 // version 2 has the upper five bits only

#define SRE_EL1           7u // of ICC_SRE_EL1: system registers, and no way round the GIC

// A constant as long as there is one.
static unsigned cpu_of(const struct vcpu *vcpu)
{
    return vcpu->index % VGIC_CPUS;
}

static bool is_v3(void)
{
    return hostgic_version() == 3;
}

#define EACH_LR(DO) \
    DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define READ_LR(n) case n: return sysreg_read(ich_lr##n##_el2);
#define WRITE_LR(n) case n: sysreg_write(ich_lr##n##_el2, value); break;

// Whether it is version 3 is asked once for all of them.
static uint64_t read_lr(bool v3, unsigned index)
{
    if (!v3)
        return mmio_read32(hostgic_gich() + GICH_LR + 4 * index);
    switch (index) {
    EACH_LR(READ_LR)
    default: return 0;
    }
}

static inline __attribute__((always_inline)) void write_lr(bool v3, unsigned index, uint64_t value)
{
    if (!v3) {
        mmio_write32(hostgic_gich() + GICH_LR + 4 * index, (uint32_t)value);
        return;
    }
    switch (index) {
    EACH_LR(WRITE_LR)
    default: break;
    }
}

static uint32_t read_hcr(void)
{
    return is_v3() ? (uint32_t)sysreg_read(ich_hcr_el2) : mmio_read32(hostgic_gich() + GICH_HCR);
}

static void write_hcr(uint32_t value)
{
    if (is_v3())
        sysreg_write(ich_hcr_el2, value);
    else
        mmio_write32(hostgic_gich() + GICH_HCR, value);
}

static uint32_t read_vmcr(void)
{
    return is_v3() ? (uint32_t)sysreg_read(ich_vmcr_el2) : mmio_read32(hostgic_gich() + GICH_VMCR);
}

// In this mode EOIcount is no help: QEMU's GICv3 counts the drops, too, and a GICv2 does not say which deactivations it
// counts. So these trap, of a GICv3 while an interrupt is active without a list register, of a GICv2 always
// (guest/mmio.c).
static bool is_split(void)
{
    return (read_vmcr() & VMCR_SPLIT) != 0;
}

static uint64_t encode(bool v3, const struct vgic_lr *lr)
{
    if (v3)
        return lr->intid | (lr->hw ? V3_HW | (uint64_t)lr->hw_intid << V3_PHYSICAL_SHIFT : 0) |
               (lr->tell_end ? V3_EOI : 0) | (uint64_t)lr->priority << V3_PRIORITY_SHIFT |
               (lr->group1 ? V3_GROUP1 : 0) | (lr->pending ? V3_PENDING : 0) | (lr->active ? V3_ACTIVE : 0);
    uint32_t physical = lr->hw ? lr->hw_intid : lr->source_cpu;
    return lr->intid | physical << V2_PHYSICAL_SHIFT | (lr->hw ? V2_HW : 0) | (lr->tell_end ? V2_EOI : 0) |
           (lr->priority & V2_PRIORITY_MASK) << V2_PRIORITY_SHIFT | (lr->group1 ? V2_GROUP1 : 0) |
           (lr->pending ? V2_PENDING : 0) | (lr->active ? V2_ACTIVE : 0);
}

unsigned lr_count(void)
{
    unsigned count = is_v3() ? ((unsigned)sysreg_read(ich_vtr_el2) & 31) + 1
                             : (mmio_read32(hostgic_gich() + GICH_VTR) & 63) + 1;
    return count < LR_MAX ? count : LR_MAX;
}

// ICH_AP0R<n>_EL2 and ICH_AP1R<n>_EL2: as many as there are bits of preemption for.
static void clear_active_priorities(void)
{
    unsigned bits = ((unsigned)(sysreg_read(ich_vtr_el2) >> 26) & 7) + 1;
    sysreg_write(ich_ap0r0_el2, 0);
    sysreg_write(ich_ap1r0_el2, 0);
    if (bits >= 6) {
        sysreg_write(ich_ap0r1_el2, 0);
        sysreg_write(ich_ap1r1_el2, 0);
    }
    if (bits >= 7) {
        sysreg_write(ich_ap0r2_el2, 0);
        sysreg_write(ich_ap1r2_el2, 0);
        sysreg_write(ich_ap0r3_el2, 0);
        sysreg_write(ich_ap1r3_el2, 0);
    }
}

static void reset_interface(void)
{
    for (unsigned i = 0; i < lr_count(); i++)
        write_lr(is_v3(), i, 0);
    if (is_v3()) {
        clear_active_priorities();
        sysreg_write(ich_vmcr_el2, VMCR_RESET);
        sysreg_write(icc_sre_el1, SRE_EL1);
    } else {
        mmio_write32(hostgic_gich() + GICH_APR, 0);
        mmio_write32(hostgic_gich() + GICH_VMCR, VMCR_RESET);
    }
}

__attribute__((noinline, cold)) void lr_init(struct vcpu *vcpu)
{
    vcpu->arch->lrs.count = lr_count();
    vcpu->arch->lrs.used = 0;
    vcpu->arch->lrs.left_out = false;
    reset_interface();
    write_hcr(HCR_GIC_ENABLE);
}

__attribute__((noinline, cold)) void lr_free(struct vcpu *vcpu)
{
    (void)vcpu;
    reset_interface();
    write_hcr(0);
}

// Not copied to all the places it is called from: the run loop is one function.
__attribute__((noinline)) void lr_fold(struct vcpu *vcpu)
{
    struct lr_set *lrs = &vcpu->arch->lrs;
    struct vgic *gic = &vcpu->vm->machine.gic;
    if (lrs->left_out) {
        vgic_ended_unlisted(gic, cpu_of(vcpu), is_v3() && is_split() ? 0 : HCR_EOICOUNT(read_hcr()));
        write_hcr(HCR_GIC_ENABLE);
        lrs->left_out = false;
    }
    bool v3 = is_v3();
    for (unsigned i = 0; i < lrs->used; i++) {
        struct vgic_lr *lr = &lrs->loaded[i];
        uint64_t value = read_lr(v3, i);
        lr->pending = (value & (v3 ? V3_PENDING : V2_PENDING)) != 0;
        lr->active = (value & (v3 ? V3_ACTIVE : V2_ACTIVE)) != 0;
        if (lr->pending || lr->active || lr->tell_end) // the end is told until the list register is empty
            write_lr(v3, i, 0);
        vgic_put_back(gic, cpu_of(vcpu), lr);
    }
    lrs->used = 0;
    vgic_folded(gic, cpu_of(vcpu));
}

// QEMU's GICv2 deactivates the physical interrupt and does not look at its input again: one that is still high, or high
// again, would come with the next exit. There the end is told instead, and the monitor deactivates it.
static void tell_end(struct vgic_lr *lr)
{
    lr->hw = false;
    lr->tell_end = true;
}

void lr_fill(struct vcpu *vcpu)
{
    struct lr_set *lrs = &vcpu->arch->lrs;
    struct vgic *gic = &vcpu->vm->machine.gic;
    bool v3 = is_v3();
    for (; lrs->used < lrs->count && vgic_pending(gic, cpu_of(vcpu)); lrs->used++) {
        struct vgic_lr *lr = &lrs->loaded[lrs->used];
        if (vgic_take(gic, cpu_of(vcpu), lr) < 0)
            return;
        bool physical = lr->hw;
        if (physical && !v3)
            tell_end(lr);
        uint64_t value = encode(v3, lr);
        if (physical)
            hostgic_activate(lr->hw_intid);
        write_lr(v3, lrs->used, value);
    }
    if (!vgic_pending(gic, cpu_of(vcpu))) // mostly
        return;
    bool active = vgic_left_active(gic, cpu_of(vcpu)), pending = vgic_left_pending(gic, cpu_of(vcpu));
    vgic_settle(gic, cpu_of(vcpu));
    lrs->left_out = active || pending;
    if (lrs->left_out)
        write_hcr(HCR_GIC_ENABLE | (active ? HCR_TELL_EOICOUNT : 0) | (pending ? HCR_TELL_NONE : 0) |
                  (active && is_v3() ? HCR_TRAP_DIR : 0));
}

bool lr_ended_alone(const struct vcpu *vcpu, unsigned intid)
{
    const struct lr_set *lrs = &vcpu->arch->lrs;
    return lrs->used == 1 && lrs->loaded[0].intid == intid && lrs->loaded[0].pending && lrs->loaded[0].hw &&
           !lrs->left_out && is_v3() &&
           (sysreg_read(ich_lr0_el2) & (V3_PENDING | V3_ACTIVE)) == 0;
}

void lr_again(struct vcpu *vcpu)
{
    sysreg_write(ich_lr0_el2, encode(true, &vcpu->arch->lrs.loaded[0]));
}

__attribute__((noinline)) bool lr_would_signal(const struct vcpu *vcpu)
{
    uint32_t vmcr = read_vmcr();
    return vgic_signals(&vcpu->vm->machine.gic, cpu_of(vcpu), (uint8_t)(vmcr >> VMCR_MASK_SHIFT), vmcr & VMCR_GROUPS);
}

void lr_deactivated(struct vcpu *vcpu, uint64_t intid)
{
    vcpu_fold(vcpu);
    if (!is_split()) // without it the register does nothing
        return;
    vgic_deactivate(&vcpu->vm->machine.gic, cpu_of(vcpu), intid);
    vcpu_fold(vcpu); // and the physical one with it
}
