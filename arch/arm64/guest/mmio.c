// SPDX-License-Identifier: MIT
// One access of a guest to guest-physical memory that is not RAM. The syndrome of a data abort describes plain loads
// and stores of one general register (Arm ARM D17.2.37, ISS encoding for an exception from a Data Abort, ISV); the
// pairs, the ones with writeback and those of the FPU it does not describe: undescribed.c.
#include "arch/arm64/guest/guest.h"

#include "arch/arm64/host/gic.h"

#define HPFAR_ADDRESS UINT64_C(0xffffffffff0)
#define GICC_DIR      (VIRT_GICC + PAGE_SIZE) // IHI 0048, 4.4.15
#define DIR_INTID     0x3ffu

__attribute__((noinline, cold)) uint64_t guest_probe(uint64_t address, bool as_el0, bool is_write)
{
    uint64_t kept = sysreg_read(par_el1);
    uint64_t par = guest_at(address, as_el0, is_write);
    sysreg_write(par_el1, kept);
    return par;
}

__attribute__((noinline, cold)) gpa guest_translate(uint64_t address)
{
    uint64_t par = guest_probe(address, false, false);
    uint64_t page = (par & PAR_FAILED) != 0 ? UINT64_MAX & PAR_ADDRESS : par & PAR_ADDRESS;
    return (gpa){ page | (address & (PAGE_SIZE - 1)) };
}

// HPFAR_EL2 is not valid for a permission fault of an access itself (Arm ARM D17.2.62): the guest's own tables say
// then where the access went.
gpa fault_gpa(uint64_t esr)
{
    uint64_t far = sysreg_read(far_el2), page = (sysreg_read(hpfar_el2) & HPFAR_ADDRESS) << 8;
    if ((esr & FAULT_KIND) == FAULT_PERMISSION && (esr & ISS_S1PTW) == 0)
        return guest_translate(far);
    return (gpa){ page | (far & (PAGE_SIZE - 1)) };
}

static uint64_t extended(uint64_t esr, uint64_t value, unsigned size)
{
    if (size < 8 && (esr & ISS_SSE) != 0) {
        unsigned unused = 64 - 8 * size;
        value = (uint64_t)((int64_t)(value << unused) >> unused);
    } else if (size < 8) {
        value &= (UINT64_C(1) << (8 * size)) - 1;
    }
    return (esr & ISS_SF) != 0 ? value : (uint32_t)value;
}

// A GICv2's CPU interface is the hardware's but for its second page, whose only register ends the interrupt that is
// written there: the hardware knows those in list registers alone.
static bool is_second_page(gpa address)
{
    return hostgic_version() == 2 && address.value - GICC_DIR < PAGE_SIZE;
}

static __attribute__((noinline, cold)) bool deactivate(struct vcpu *vcpu, gpa address, struct io_access *io)
{
    if (!is_second_page(address))
        return false;
    if (io->is_write && address.value == GICC_DIR && io->size == 4)
        lr_deactivated(vcpu, io->value & DIR_INTID);
    io->value = 0;
    return true;
}

// device_access(), within the one access that is frequent.
static inline bool reach(struct vcpu *vcpu, gpa address, struct io_access *io)
{
    bool turn = guest_is_big_endian(vcpu->arch->world.pstate, sysreg_read(sctlr_el1));
    if (turn && io->is_write)
        io->value = bytes_turned(io->value, io->size);
    if (machine_touches_interrupts(address, io->is_write)) // the virtual timer's line is shown there, too
        vcpu_fold(vcpu);
    if (!machine_mmio(vcpu->vm, address, io))
        return deactivate(vcpu, address, io);
    if (turn && !io->is_write)
        io->value = bytes_turned(io->value, io->size);
    return true;
}

bool device_access(struct vcpu *vcpu, gpa address, struct io_access *io)
{
    return reach(vcpu, address, io);
}

// The access that the syndrome describes. False: nobody answered. Devices are little-endian, the guest need not be.
static bool access(struct vcpu *vcpu, uint64_t esr, gpa address)
{
    struct world *world = &vcpu->arch->world;
    unsigned reg = (unsigned)(esr >> ISS_SRT_SHIFT) & 31;
    struct io_access io = { .size = (uint8_t)(1u << ((esr >> ISS_SAS_SHIFT) & 3)), .is_write = (esr & ISS_WNR) != 0 };
    if (io.is_write && reg != ZERO_REGISTER)
        io.value = world->x[reg];
    if (!reach(vcpu, address, &io))
        return false;
    if (!io.is_write && reg != ZERO_REGISTER)
        world->x[reg] = extended(esr, io.value, io.size);
    return true;
}

void emulate_mmio(struct vcpu *vcpu, const struct exit *exit)
{
    uint64_t esr = vcpu->arch->world.esr, kind = esr & FAULT_KIND;
    bool mapping = kind == FAULT_TRANSLATION || kind == FAULT_PERMISSION || kind == FAULT_ACCESS_FLAG ||
                   (esr & ISS_FSC_MASK) < FAULT_TRANSLATION;
    bool plain = !exit->is_fetch && !exit->is_table_walk && mapping;
    if (plain && (esr & ISS_CM) != 0) { // cache maintenance by address: there is nothing to clean
        vcpu_step_over(vcpu, ESR_INSN_LENGTH(esr));
        return;
    }
    bool described = (esr & ISS_ISV) != 0;
    if (plain && !described && (machine_has_device(vcpu->vm, exit->address) || is_second_page(exit->address))) {
        emulate_undescribed(vcpu, exit);
        return;
    }
    if (plain && described && access(vcpu, esr, exit->address))
        vcpu_step_over(vcpu, ESR_INSN_LENGTH(esr));
    else
        guest_external_abort(vcpu, exit->is_fetch, exit->is_table_walk, sysreg_read(far_el2));
}
