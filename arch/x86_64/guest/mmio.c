// SPDX-License-Identifier: MIT
// A guest touched memory that is not RAM: fetch the instruction, decode it, let the device do its half. Decoding and
// execution are pure (decode.c, emulate.c); this file joins them to the guest's memory and to the bus.
#include "arch/x86_64/guest/mmio.h"
#include "vmm/base/format.h"

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
    uint64_t linear = guest_linear(vcpu, operand->segment, operand->offset);
    bool crosses = (linear & (PAGE_SIZE - 1)) + plan->size > PAGE_SIZE;
    if (crosses || !is_what_faulted(exit, plan, linear))
        return operand_locate(vcpu, operand->segment, operand->offset, plan->size, access, out);
    *out = (struct operand_address){ .physical = exit->address, .first = plan->size };
    return true;
}

static bool is_one_access(const struct vcpu *vcpu, const struct operand_address *at)
{
    return at->second == 0 && at->first <= 8 && !operand_in_ram(vcpu, at->physical);
}

// The upper half of 16 bytes goes to `high`.
static uint64_t read_operand(struct vcpu *vcpu, const struct operand_address *at, uint64_t *high)
{
    uint64_t value[2] = { 0 };
    struct io_access io = { .size = at->first };
    if (is_one_access(vcpu, at)) {
        machine_mmio(vcpu->vm, at->physical, &io);
        return io.value;
    }
    operand_read(vcpu, at, value);
    *high = value[1];
    return value[0];
}

static void write_operand(struct vcpu *vcpu, const struct operand_address *at, uint64_t value, uint64_t high)
{
    const uint64_t both[2] = { value, high };
    struct io_access io = { .size = at->first, .is_write = true, .value = value };
    if (is_one_access(vcpu, at))
        machine_mmio(vcpu->vm, at->physical, &io);
    else
        operand_write(vcpu, at, both);
}

// Every fault but that of a value that was read comes before the first access: a device is touched, and a register
// changed, only by what then completes.
static void execute(struct vcpu *vcpu, const struct exit *exit, const struct insn *insn, struct mmio_plan *plan)
{
    struct operand_address from = { 0 }, to = { 0 };
    if (mmio_plan_reads(plan) && !locate(vcpu, exit, plan, &plan->read, GUEST_READ, &from))
        return;
    if (mmio_plan_writes(plan) && !locate(vcpu, exit, plan, &plan->write, GUEST_WRITE, &to))
        return;
    if (plan->kind == MMIO_COMPARE && !locate(vcpu, exit, plan, &plan->write, GUEST_READ, &to))
        return;
    uint64_t value = mmio_plan_reads(plan) ? read_operand(vcpu, &from, &plan->high) : 0;
    if (plan->kind == MMIO_COMPARE)
        operand_read(vcpu, &to, &plan->source);
    uint64_t rip = vcpu_regs(vcpu)->rip;
    enum emulate_result result = emulate_finish(plan, insn, vcpu_regs(vcpu), value);
    if (result != EMULATE_OK) {
        bool divides = result == EMULATE_DIVIDE_ERROR;
        guest_fault(vcpu, divides ? EXCEPTION_DE : EXCEPTION_GP, !divides, 0);
        return;
    }
    if (mmio_plan_writes(plan))
        write_operand(vcpu, &to, plan->write_value, plan->high);
    uint64_t next = vcpu_regs(vcpu)->rip;
    vcpu_regs(vcpu)->rip = rip;
    if (mmio_plan_jumps(plan))
        vcpu_jump(vcpu, next);
    else if (next != rip)
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
    if (emulate_begin(&plan, insn, vcpu_regs(vcpu), stack_bytes(vcpu, insn)) == EMULATE_OK)
        execute(vcpu, exit, insn, &plan);
    else if (!mmio_vector(vcpu, insn) && !mmio_system(vcpu, insn))
        kill_undecodable(vcpu, (const uint8_t *)bytes, insn->length, exit->address,
                         "this version cannot emulate the device access");
}
