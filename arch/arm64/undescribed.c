// SPDX-License-Identifier: MIT
// An access to a device by an instruction that the syndrome does not describe (Arm ARM D17.2.37, ISV clear): pairs,
// what writes its base back, the FPU's registers. The instruction is read from the guest's memory, once. The guest's
// memory may say anything by now, so what is read there must agree with what has faulted, and only the device's page
// that the hardware has told (HPFAR_EL2) is ever touched.
#include "arch/arm64/loadstore.h"
#include "arch/arm64/vcpu.h"
#include "vmm/guestmem.h"

#define FAR_ADDRESS (UINT64_MAX >> 8) // without the tag, which a guest may ignore

static void refuse(struct vcpu *vcpu, const struct exit *exit, uint32_t word, const char *why)
{
    vm_kill(vcpu->vm, "an instruction on device memory at %#lx (pc %#lx, word %#x, esr %#lx) %s", exit->address.value,
            vcpu->arch->world.pc, word, vcpu->arch->world.esr, why);
}

// Past the caches: a guest that runs with its own off has written its code to memory.
static bool fetch(struct vcpu *vcpu, uint32_t *word)
{
    gpa at = guest_translate(vcpu->arch->world.pc);
    const void *insn = guest_pointer(vcpu->vm->ram, at, INSN_LENGTH);
    if (insn == NULL || at.value % INSN_LENGTH != 0)
        return false;
    __asm__ volatile("dc civac, %1; dsb sy; ldr %w0, [%1]" : "=&r"(*word) : "r"(insn) : "memory");
    return true;
}

static uint64_t general(const struct world *world, unsigned reg)
{
    return reg < ZERO_REGISTER ? world->x[reg] : 0;
}

// Register 31 is the stack pointer that PSTATE selects; it stays in the CPU.
static uint64_t base_read(const struct world *world, const struct load_store *insn)
{
    if (insn->is_literal)
        return world->pc;
    if (insn->rn != ZERO_REGISTER)
        return world->x[insn->rn];
    return (world->pstate & PSTATE_MODE) == PSTATE_EL1H ? sysreg_read(sp_el1) : sysreg_read(sp_el0);
}

static void base_write(struct world *world, const struct load_store *insn, uint64_t value)
{
    if (insn->rn != ZERO_REGISTER)
        world->x[insn->rn] = value;
    else if ((world->pstate & PSTATE_MODE) == PSTATE_EL1H)
        sysreg_write(sp_el1, value);
    else
        sysreg_write(sp_el0, value);
}

static void data_read(const struct world *world, const struct load_store *insn, unsigned i, struct fpu_value *value)
{
    if (insn->is_vector)
        fpu_read(insn->rt[i], value);
    else
        value->half[0] = general(world, insn->rt[i]);
}

static void data_write(struct world *world, const struct load_store *insn, unsigned i, const struct fpu_value *value)
{
    if (insn->is_vector)
        fpu_write(insn->rt[i], value);
    else if (insn->rt[i] != ZERO_REGISTER)
        world->x[insn->rt[i]] = load_store_extended(insn, value->half[0]);
}

// One register, in pieces of eight bytes at most; big-endian memory has the upper half first.
static bool transfer(struct vcpu *vcpu, const struct load_store *insn, gpa address, struct fpu_value *value)
{
    unsigned pieces = insn->size > 8 ? 2 : 1, bytes = insn->size / pieces;
    bool upper_first = pieces == 2 && guest_is_big_endian(vcpu->arch->world.pstate, sysreg_read(sctlr_el1));
    for (unsigned i = 0; i < pieces; i++) {
        uint64_t *half = &value->half[upper_first ? 1 - i : i];
        struct io_access io = { .size = (uint8_t)bytes, .is_write = !insn->is_load, .value = *half };
        if (!device_access(vcpu, (gpa){ address.value + i * bytes }, &io))
            return false;
        if (insn->is_load)
            *half = io.value & UINT64_MAX >> (64 - 8 * bytes);
    }
    return true;
}

// No register has changed when nobody answers.
static bool perform(struct vcpu *vcpu, const struct load_store *insn, gpa address, uint64_t base)
{
    struct world *world = &vcpu->arch->world;
    struct fpu_value value[2] = { 0 };
    for (unsigned i = 0; i < insn->count; i++) {
        if (!insn->is_load)
            data_read(world, insn, i, &value[i]);
        if (!transfer(vcpu, insn, (gpa){ address.value + i * insn->size }, &value[i]))
            return false;
    }
    for (unsigned i = 0; i < insn->count && insn->is_load; i++)
        data_write(world, insn, i, &value[i]);
    if (insn->writes_back)
        base_write(world, insn, base + (uint64_t)insn->offset);
    return true;
}

static void execute(struct vcpu *vcpu, const struct exit *exit, uint32_t word, const struct load_store *insn)
{
    struct world *world = &vcpu->arch->world;
    uint64_t far = sysreg_read(far_el2), base = base_read(world, insn);
    uint64_t start = load_store_address(insn, base, general(world, insn->rm)), bytes = insn->size * insn->count;
    uint64_t in_page = start & (PAGE_SIZE - 1);
    if (((far - start) & FAR_ADDRESS) >= bytes || insn->is_load == exit->is_write)
        refuse(vcpu, exit, word, "is not the one that has faulted");
    else if (in_page + bytes > PAGE_SIZE)
        refuse(vcpu, exit, word, "crosses a page of device memory");
    else if (perform(vcpu, insn, (gpa){ (exit->address.value & ~(PAGE_SIZE - 1)) | in_page }, base))
        vcpu_step_over(vcpu, INSN_LENGTH);
    else
        guest_external_abort(vcpu, false, false, far);
}

void emulate_undescribed(struct vcpu *vcpu, const struct exit *exit)
{
    uint32_t word = 0;
    struct load_store insn;
    if ((vcpu->arch->world.pstate & PSTATE_AARCH32) != 0) {
        refuse(vcpu, exit, word, "of AArch32 is not executed in this version");
        return;
    }
    if (!fetch(vcpu, &word)) {
        refuse(vcpu, exit, word, "cannot be read");
        return;
    }
    switch (load_store_decode(word, &insn)) {
    case LOAD_STORE_PLAIN: execute(vcpu, exit, word, &insn); return;
    case LOAD_STORE_ATOMIC: guest_data_abort(vcpu, FAULT_UNSUPPORTED, sysreg_read(far_el2)); return;
    case LOAD_STORE_ZERO: guest_data_abort(vcpu, FAULT_UNALIGNED, sysreg_read(far_el2)); return;
    case LOAD_STORE_OTHER: break;
    }
    refuse(vcpu, exit, word, "is not executed in this version");
}
