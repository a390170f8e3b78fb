// SPDX-License-Identifier: MIT
// A guest touched memory that is not RAM: fetch the instruction, decode it, let the device do its half. Decoding and
// execution are pure (decode.c, emulate.c); this file joins them to the guest's memory and to the bus.
#include <string.h>

#include "arch/x86_64/vendor.h"
#include "vmm/format.h"
#include "vmm/guestmem.h"

struct operand_address {
    uint64_t linear;
    gpa      physical;
    bool     in_ram;
};

static void kill_undecodable(struct vcpu *vcpu, const uint8_t *bytes, size_t count, gpa address, const char *what)
{
    char text[3 * INSN_MAX_LENGTH + 1] = "";
    for (size_t i = 0; i < count; i++)
        format(text + 3 * i, sizeof(text) - 3 * i, " %02x", bytes[i]);
    vm_kill(vcpu->vm, "%s at rip %#lx, memory %#lx, bytes%s", what, vcpu_regs(vcpu)->rip, address.value,
            count != 0 ? text : " not readable");
}

// Where one operand is. The faulting operand's address is known from the exit; that its page offset is the operand's own
// proves that the access starts there, and is not the tail of one that began in RAM.
static bool locate(struct vcpu *vcpu, const struct mmio_operand *operand, enum guest_access access, unsigned size,
                   struct operand_address *out)
{
    out->linear = guest_linear(vcpu, operand->segment, operand->offset);
    if (!guest_translate(vcpu, out->linear, access, &out->physical)) {
        guest_page_fault(vcpu, out->linear, access);
        return false;
    }
    out->in_ram = guest_pointer(vcpu->vm->ram, out->physical, 1) != NULL;
    bool crosses = (out->linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
    if (crosses && !out->in_ram)
        vm_kill(vcpu->vm, "an access of %u bytes at %#lx crosses a page of device memory", size, out->physical.value);
    return vcpu->vm->end == VM_RUNNING;
}

static bool read_operand(struct vcpu *vcpu, const struct operand_address *at, unsigned size, uint64_t *value)
{
    *value = 0;
    if (!at->in_ram) {
        struct io_access io = { .size = (uint8_t)size };
        machine_mmio(vcpu->vm, at->physical, &io);
        *value = io.value;
        return true;
    }
    if (guest_read_linear(vcpu, at->linear, GUEST_READ, value, size) == size)
        return true;
    guest_page_fault(vcpu, at->linear, GUEST_READ);
    return false;
}

static bool write_operand(struct vcpu *vcpu, const struct operand_address *at, unsigned size, uint64_t value)
{
    if (!at->in_ram) {
        struct io_access io = { .size = (uint8_t)size, .is_write = true, .value = value };
        machine_mmio(vcpu->vm, at->physical, &io);
        return true;
    }
    if (guest_write_linear(vcpu, at->linear, &value, size) == size)
        return true;
    guest_page_fault(vcpu, at->linear, GUEST_WRITE);
    return false;
}

static void execute(struct vcpu *vcpu, const struct insn *insn, struct mmio_plan *plan)
{
    struct operand_address from = { 0 }, to = { 0 };
    if (mmio_plan_reads(plan) && !locate(vcpu, &plan->read, GUEST_READ, plan->size, &from))
        return;
    if (mmio_plan_writes(plan) && !locate(vcpu, &plan->write, GUEST_WRITE, plan->size, &to))
        return;
    uint64_t value = 0;
    if (mmio_plan_reads(plan) && !read_operand(vcpu, &from, plan->size, &value))
        return;
    struct emulate_regs after = *vcpu_regs(vcpu);
    emulate_finish(plan, insn, &after, value);
    if (mmio_plan_writes(plan) && !write_operand(vcpu, &to, plan->size, plan->write_value))
        return;
    bool advanced = after.rip != vcpu_regs(vcpu)->rip;
    uint64_t rip = vcpu_regs(vcpu)->rip;
    *vcpu_regs(vcpu) = after;
    if (advanced) {
        vcpu_regs(vcpu)->rip = rip;
        arch_vcpu_skip(vcpu, insn->length);
    }
}

void emulate_mmio(struct vcpu *vcpu, const struct exit *exit)
{
    if (exit->is_fetch || exit->is_table_walk || exit->during_delivery) {
        vm_kill(vcpu->vm, "%s at %#lx, which is not RAM (rip %#lx)",
                exit->is_fetch ? "executes" : exit->is_table_walk ? "has page tables" : "has a stack or descriptor table",
                exit->address.value, vcpu_regs(vcpu)->rip);
        return;
    }
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    struct mmio_plan plan;
    size_t count = guest_fetch(vcpu, bytes);
    if (insn_decode(&insn, bytes, count, guest_code_bits(vcpu)) != DECODE_OK) {
        kill_undecodable(vcpu, bytes, count, exit->address, "cannot decode the instruction");
        return;
    }
    if (emulate_begin(&plan, &insn, vcpu_regs(vcpu)) != EMULATE_OK) {
        kill_undecodable(vcpu, bytes, insn.length, exit->address, "this version cannot emulate the device access");
        return;
    }
    execute(vcpu, &insn, &plan);
}
