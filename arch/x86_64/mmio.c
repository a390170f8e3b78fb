// SPDX-License-Identifier: MIT
// A guest touched memory that is not RAM: fetch the instruction, decode it, let the device do its half. Decoding and
// execution are pure (decode.c, emulate.c); this file joins them to the guest's memory and to the bus.
#include <string.h>

#include "arch/x86_64/vendor.h"
#include "vmm/format.h"

struct operand_address {
    uint64_t linear;
    gpa      physical;
    bool     in_ram;
};

static __attribute__((cold)) void kill_undecodable(struct vcpu *vcpu, const uint8_t *bytes, size_t count, gpa address,
                                                   const char *what)
{
    char text[3 * INSN_MAX_LENGTH + 1] = "";
    for (size_t i = 0; i < count; i++)
        format(text + 3 * i, sizeof(text) - 3 * i, " %02x", bytes[i]);
    vm_kill(vcpu->vm, "%s at rip %#lx, memory %#lx, bytes%s", what, vcpu_regs(vcpu)->rip, address.value,
            count != 0 ? text : " not readable");
}

// The only operand of an instruction that reads or writes, not both, is what the CPU has just faulted on, its rights
// checked already: the exit has its address. The same page offset proves that the access starts there, and is not the
// tail of one that began in RAM.
static bool is_what_faulted(const struct exit *exit, const struct mmio_plan *plan, uint64_t linear)
{
    return plan->kind == (exit->is_write ? MMIO_WRITE : MMIO_READ) &&
           ((linear ^ exit->address.value) & (PAGE_SIZE - 1)) == 0;
}

// Where one operand is, which is one of the plan's.
static bool locate(struct vcpu *vcpu, const struct exit *exit, const struct mmio_plan *plan,
                   const struct mmio_operand *operand, enum guest_access access, struct operand_address *out)
{
    out->linear = guest_linear(vcpu, operand->segment, operand->offset);
    if (is_what_faulted(exit, plan, out->linear)) {
        out->physical = exit->address;
    } else if (!guest_translate(vcpu, out->linear, access, &out->physical)) {
        guest_page_fault(vcpu, out->linear, access);
        return false;
    }
    out->in_ram = out->physical.value < vcpu->vm->ram.size; // a PC's begins at 0
    bool crosses = (out->linear & (PAGE_SIZE - 1)) + plan->size > PAGE_SIZE;
    if (crosses && !out->in_ram)
        vm_kill(vcpu->vm, "an access of %u bytes at %#lx crosses a page of device memory", plan->size,
                out->physical.value);
    if (crosses && out->in_ram && !guest_may_access(vcpu, out->linear, plan->size, access))
        return false;
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
    size_t done = guest_read_linear(vcpu, at->linear, GUEST_READ, value, size);
    if (done == size)
        return true;
    guest_page_fault(vcpu, at->linear + done, GUEST_READ);
    return false;
}

static bool write_operand(struct vcpu *vcpu, const struct operand_address *at, unsigned size, uint64_t value)
{
    if (!at->in_ram) {
        struct io_access io = { .size = (uint8_t)size, .is_write = true, .value = value };
        machine_mmio(vcpu->vm, at->physical, &io);
        return true;
    }
    size_t done = guest_write_linear(vcpu, at->linear, &value, size);
    if (done == size)
        return true;
    guest_page_fault(vcpu, at->linear + done, GUEST_WRITE);
    return false;
}

// The registers change with the last iteration of a string instruction, and only when a page fault can no longer come.
static bool finish(struct vcpu *vcpu, const struct insn *insn, struct mmio_plan *plan, const struct operand_address *to,
                   uint64_t value)
{
    struct emulate_regs *regs = vcpu_regs(vcpu);
    if (!mmio_plan_writes(plan) || !to->in_ram) {
        emulate_finish(plan, insn, regs, value);
        return !mmio_plan_writes(plan) || write_operand(vcpu, to, plan->size, plan->write_value);
    }
    struct emulate_regs after = *regs;
    emulate_finish(plan, insn, &after, value);
    if (!write_operand(vcpu, to, plan->size, plan->write_value))
        return false;
    *regs = after;
    return true;
}

static void execute(struct vcpu *vcpu, const struct exit *exit, const struct insn *insn, struct mmio_plan *plan)
{
    struct operand_address from = { 0 }, to = { 0 };
    if (mmio_plan_reads(plan) && !locate(vcpu, exit, plan, &plan->read, GUEST_READ, &from))
        return;
    if (mmio_plan_writes(plan) && !locate(vcpu, exit, plan, &plan->write, GUEST_WRITE, &to))
        return;
    if (plan->kind == MMIO_COMPARE && !locate(vcpu, exit, plan, &plan->write, GUEST_READ, &to))
        return;
    uint64_t value = 0;
    if (mmio_plan_reads(plan) && !read_operand(vcpu, &from, plan->size, &value))
        return;
    if (plan->kind == MMIO_COMPARE && !read_operand(vcpu, &to, plan->size, &plan->source))
        return;
    uint64_t rip = vcpu_regs(vcpu)->rip;
    if (!finish(vcpu, insn, plan, &to, value))
        return;
    bool advanced = vcpu_regs(vcpu)->rip != rip;
    vcpu_regs(vcpu)->rip = rip;
    if (advanced)
        vcpu_skip(vcpu, insn->length);
    else if ((vcpu_regs(vcpu)->rflags & RFLAGS_TF) != 0) // each iteration traps
        vcpu_skip(vcpu, 0);
}

// The instruction at CS:RIP, from the same bytes as last time or decoded anew. Null: it is not an instruction.
static const struct insn *fetch_insn(struct vcpu *vcpu, uint64_t bytes[2], size_t *count)
{
    struct decoded *last = &vcpu->arch->decoded;
    unsigned bits = guest_code_bits(vcpu);
    bytes[1] = 0;
    *count = guest_fetch(vcpu, (uint8_t *)bytes);
    bool whole = *count == INSN_MAX_LENGTH;
    if (whole && last->bits == bits && last->bytes[0] == bytes[0] && last->bytes[1] == bytes[1])
        return &last->insn;
    last->bits = 0;
    if (insn_decode(&last->insn, (const uint8_t *)bytes, *count, bits) != DECODE_OK)
        return NULL;
    last->bytes[0] = bytes[0];
    last->bytes[1] = bytes[1];
    last->bits = whole ? bits : 0;
    return &last->insn;
}

static unsigned stack_bytes(const struct vcpu *vcpu, const struct insn *insn)
{
    return insn->bits == 64 ? 8 : (unsigned)vendor->get(vcpu, REGISTER_SS_BITS) / 8;
}

void emulate_mmio(struct vcpu *vcpu, const struct exit *exit)
{
    if (exit->is_fetch || exit->is_table_walk || exit->during_delivery) {
        vm_kill(vcpu->vm, "%s at %#lx, which is not RAM (rip %#lx)",
                exit->is_fetch        ? "executes"
                : exit->is_table_walk ? "has page tables"
                                      : "has a stack or descriptor table",
                exit->address.value, vcpu_regs(vcpu)->rip);
        return;
    }
    uint64_t bytes[2];
    size_t count;
    struct mmio_plan plan;
    const struct insn *insn = fetch_insn(vcpu, bytes, &count);
    if (insn == NULL) {
        kill_undecodable(vcpu, (const uint8_t *)bytes, count, exit->address, "cannot decode the instruction");
        return;
    }
    if (emulate_begin(&plan, insn, vcpu_regs(vcpu), stack_bytes(vcpu, insn)) != EMULATE_OK) {
        kill_undecodable(vcpu, (const uint8_t *)bytes, insn->length, exit->address,
                         "this version cannot emulate the device access");
        return;
    }
    execute(vcpu, exit, insn, &plan);
}
