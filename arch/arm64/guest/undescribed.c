// SPDX-License-Identifier: MIT
// An access to a device by an instruction that the syndrome does not describe (Arm ARM D17.2.37, ISV clear): pairs,
// what writes its base back, the FPU's registers. The instruction is read from the guest's memory, once. The guest's
// memory may say anything by now, so what is read there must agree with what has faulted. The device's page is the one
// that the hardware has told (HPFAR_EL2); an access may end in the next page, which may be RAM.
#include "arch/arm64/insn/loadstore.h"

#include <string.h>

#include "arch/arm64/guest/guest.h"
#include "vmm/base/guestmem.h"

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

// --- where the access lies ------------------------------------------------------------------------------------------

// In one page or in two.
struct span {
    uint64_t first_bytes; // how many are in the first
    gpa      first, second;
};

static gpa span_at(const struct span *span, uint64_t offset)
{
    bool second = offset >= span->first_bytes;
    return (gpa){ second ? span->second.value + offset - span->first_bytes : span->first.value + offset };
}

// The page that has faulted is the hardware's to say. Another one is looked up with the guest's own rights, and the
// guest has a fault of its own where it may not. False: it has.
static bool locate(struct vcpu *vcpu, const struct exit *exit, const struct load_store *insn, uint64_t address,
                   gpa *out)
{
    uint64_t pstate = vcpu->arch->world.pstate, in_page = address & (PAGE_SIZE - 1);
    bool is_el0 = (pstate & PSTATE_MODE) == PSTATE_EL0;
    if (((address ^ sysreg_read(far_el2)) & FAR_ADDRESS & ~(PAGE_SIZE - 1)) == 0) {
        out->value = (exit->address.value & ~(PAGE_SIZE - 1)) | in_page;
        return true;
    }
    uint64_t par = guest_probe(address, is_el0, !insn->is_load);
    bool kept_off = !is_el0 && (pstate & PSTATE_PAN) != 0 && (guest_probe(address, true, false) & PAR_FAILED) == 0;
    out->value = (par & PAR_ADDRESS) | in_page;
    if ((par & PAR_FAILED) != 0 && (par & PAR_STAGE_2) != 0)
        guest_external_abort(vcpu, false, true, address);
    else if ((par & PAR_FAILED) != 0 || kept_off)
        guest_data_abort(vcpu, kept_off ? FAULT_PERMISSION | 3 : PAR_FAULT(par), address);
    else
        return true;
    return false;
}

static bool locate_all(struct vcpu *vcpu, const struct exit *exit, const struct load_store *insn, uint64_t start,
                       struct span *span)
{
    uint64_t bytes = insn->size * insn->count, page_left = PAGE_SIZE - (start & (PAGE_SIZE - 1));
    *span = (struct span){ .first_bytes = bytes < page_left ? bytes : page_left };
    if (span->first_bytes % insn->element != 0) { // one may not be in two pages that differ (Arm ARM B2.7.2, K1.2)
        guest_data_abort(vcpu, FAULT_UNALIGNED, start);
        return false;
    }
    return locate(vcpu, exit, insn, start, &span->first) &&
           (bytes <= page_left || locate(vcpu, exit, insn, start + page_left, &span->second));
}

// --- the access -----------------------------------------------------------------------------------------------------

// Of RAM beside a device's page; past the caches, as with fetch().
static void access_ram(struct vcpu *vcpu, void *ram, struct io_access *io)
{
    bool turn = guest_is_big_endian(vcpu->arch->world.pstate, sysreg_read(sctlr_el1));
    uint64_t value = turn ? bytes_turned(io->value, io->size) : io->value;
    __asm__ volatile("dc civac, %0; dsb sy" : : "r"(ram) : "memory");
    memcpy(io->is_write ? ram : &value, io->is_write ? &value : ram, io->size);
    __asm__ volatile("dc civac, %0; dsb sy" : : "r"(ram) : "memory");
    io->value = turn ? bytes_turned(value, io->size) : value;
}

static bool access(struct vcpu *vcpu, gpa address, struct io_access *io)
{
    void *ram = guest_pointer(vcpu->vm->ram, address, io->size);
    if (ram == NULL)
        return device_access(vcpu, address, io);
    access_ram(vcpu, ram, io);
    return true;
}

// All registers, element by element in the order of their addresses. The elements of a register of 16 bytes are its
// halves, and big-endian memory has the upper one first; those of a structure stay where they are.
static bool transfer(struct vcpu *vcpu, const struct load_store *insn, const struct span *span, struct fpu_value *value)
{
    unsigned bytes = insn->element, lanes = insn->size / bytes;
    bool turn = !insn->is_structure && guest_is_big_endian(vcpu->arch->world.pstate, sysreg_read(sctlr_el1));
    for (unsigned i = 0; i < lanes * insn->count; i++) {
        unsigned reg = insn->interleaves ? i % insn->count : i / lanes;
        unsigned lane = insn->interleaves ? i / insn->count : i % lanes;
        unsigned at = bytes * (turn ? lanes - 1 - lane : lane);
        uint64_t *half = &value[reg].half[at / 8], mask = UINT64_MAX >> (64 - 8 * bytes);
        struct io_access io = { .size = (uint8_t)bytes, .is_write = !insn->is_load, .value = *half >> (8 * (at % 8)) };
        if (!access(vcpu, span_at(span, i * bytes), &io))
            return false;
        if (insn->is_load)
            *half |= (io.value & mask) << (8 * (at % 8));
    }
    return true;
}

// No register has changed when nobody answers.
static bool perform(struct vcpu *vcpu, const struct load_store *insn, const struct span *span)
{
    struct fpu_value value[4] = { 0 };
    for (unsigned i = 0; i < insn->count && !insn->is_load; i++)
        data_read(&vcpu->arch->world, insn, i, &value[i]);
    if (!transfer(vcpu, insn, span, value))
        return false;
    for (unsigned i = 0; i < insn->count && insn->is_load; i++)
        data_write(&vcpu->arch->world, insn, i, &value[i]);
    return true;
}

static void execute(struct vcpu *vcpu, const struct exit *exit, uint32_t word, const struct load_store *insn)
{
    struct world *world = &vcpu->arch->world;
    struct span span;
    uint64_t far = sysreg_read(far_el2), base = base_read(world, insn), index = general(world, insn->rm);
    uint64_t start = load_store_address(insn, base, index), bytes = insn->size * insn->count;
    if (((far - start) & FAR_ADDRESS) >= bytes || insn->is_load == exit->is_write) {
        refuse(vcpu, exit, word, "is not the one that has faulted");
        return;
    }
    if (!locate_all(vcpu, exit, insn, start, &span))
        return;
    if (!perform(vcpu, insn, &span)) {
        guest_external_abort(vcpu, false, false, far);
        return;
    }
    if (insn->writes_back)
        base_write(world, insn, load_store_base_after(insn, base, index));
    vcpu_step_over(vcpu, INSN_LENGTH);
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
