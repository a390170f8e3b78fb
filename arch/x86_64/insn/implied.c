// SPDX-License-Identifier: MIT
// The string instructions, what pushes or pops, and near jumps, calls and returns: their operands in memory are implied
// by the opcode, wholly or in part. The other half of emulate.c, which calls it.
#include "arch/x86_64/insn/plan.h"

// Opcode pairs: MOVS A4, CMPS A6, STOS AA, LODS AC, SCAS AE.
bool plan_string(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    uint64_t mask = alu_mask(insn->address_size);
    struct mmio_operand source = { regs->gpr[RSI] & mask, insn->segment }, target = { regs->gpr[RDI] & mask, INSN_ES };

    plan->read = source;
    plan->write = target;
    switch (insn->opcode & 0xFE) {
    case 0xA4: plan_from_value(plan, ALU_MOVE, MMIO_COPY, 0); break;
    case 0xA6: plan_from_value(plan, ALU_CMP, MMIO_COMPARE, 0); break;
    case 0xAA: plan_from_register(plan, ALU_MOVE, MMIO_WRITE, RAX, insn, regs); break;
    case 0xAC: plan_to_register(plan, ALU_MOVE, RAX); break;
    case 0xAE:
        plan->read = target;
        plan_to_register(plan, ALU_CMP, RAX);
        break;
    default: return false;
    }
    plan->implied = plan->string = true;
    plan->repeated = (insn->prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE)) != 0;
    if (plan->repeated && (regs->gpr[RCX] & mask) == 0) // no access is made
        plan->kind = MMIO_NONE;
    return true;
}

static void add_to_register(const struct insn *insn, struct emulate_regs *regs, unsigned reg, uint64_t delta)
{
    write_register(insn, regs, reg, insn->address_size, regs->gpr[reg] + delta);
}

// REPE goes on while they are equal, REPNE while they are not; the other three look at the count alone.
static bool comparison_ends(const struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    bool equal = (regs->rflags & RFLAGS_ZF) != 0;
    return plan->operation == ALU_CMP && equal != ((insn->prefixes & INSN_PREFIX_REP) != 0);
}

bool finish_string(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs)
{
    uint64_t delta = (regs->rflags & RFLAGS_DF) != 0 ? -(uint64_t)plan->size : plan->size;
    uint8_t pair = insn->opcode & 0xFE;

    if (pair <= 0xA6 || pair == 0xAC)
        add_to_register(insn, regs, RSI, delta);
    if (pair != 0xAC)
        add_to_register(insn, regs, RDI, delta);
    if (!plan->repeated)
        return true;
    add_to_register(insn, regs, RCX, UINT64_MAX);
    return (regs->gpr[RCX] & alu_mask(insn->address_size)) == 0 || comparison_ends(plan, insn, regs);
}

// In 64-bit mode a push moves eight bytes, or two; there is no form for four (SDM 1, 6.2.2).
static uint8_t stack_operand_size(const struct insn *insn)
{
    if (insn->bits != 64)
        return insn->operand_size;
    bool two = (insn->prefixes & INSN_PREFIX_OPSIZE) != 0 && (insn->rex & INSN_REX_W) == 0;
    return two ? 2 : 8;
}

// A push lowers rSP, then writes; a pop reads, then raises it, and only then is an operand's address looked at that
// counts from rSP (SDM 2, POP).
static void plan_push(struct mmio_plan *plan, const struct emulate_regs *regs)
{
    plan->stack_delta = -(int32_t)plan->size;
    plan->write = (struct mmio_operand){ (regs->gpr[RSP] - plan->size) & alu_mask(plan->stack_bytes), INSN_SS };
}

static void plan_pop(struct mmio_plan *plan, const struct emulate_regs *regs)
{
    plan->stack_delta = plan->size;
    plan->read = (struct mmio_operand){ regs->gpr[RSP] & alu_mask(plan->stack_bytes), INSN_SS };
}

static bool push_memory(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    plan->read = (struct mmio_operand){ effective_address(insn, regs), insn->segment };
    plan_push(plan, regs);
    return plan_from_value(plan, ALU_MOVE, MMIO_COPY, 0);
}

static bool pop_memory(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    struct emulate_regs raised = *regs;

    plan_pop(plan, regs);
    emulate_move_stack(plan, &raised);
    plan->write = (struct mmio_operand){ effective_address(insn, &raised), insn->segment };
    return plan_from_value(plan, ALU_MOVE, MMIO_COPY, 0);
}

// PUSH and POP of a register, PUSH of a constant, PUSH and POP of memory. A register's number is in the opcode.
bool plan_stack(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs, unsigned stack_bytes)
{
    unsigned reg = (insn->opcode & 7u) | ((insn->rex & INSN_REX_B) != 0 ? 8u : 0u);
    bool group = insn->is_memory && (insn->opcode == 0xFF || insn->opcode == 0x8F);
    bool of_memory = group && (insn->modrm >> 3 & 7) == (insn->opcode == 0xFF ? 6 : 0);
    bool of_value = insn->opcode == 0x68 || insn->opcode == 0x6A;

    if (!of_memory && !of_value && (insn->opcode & 0xF0) != 0x50)
        return false;
    plan->implied = true;
    plan->stack_bytes = (uint8_t)stack_bytes;
    plan->size = plan->register_size = stack_operand_size(insn);
    if (of_memory)
        return insn->opcode == 0xFF ? push_memory(plan, insn, regs) : pop_memory(plan, insn, regs);
    if ((insn->opcode & 0xF8) == 0x58) {
        plan_pop(plan, regs);
        return plan_to_register(plan, ALU_MOVE, reg);
    }
    plan_push(plan, regs);
    return of_value ? plan_from_value(plan, ALU_MOVE, MMIO_WRITE, insn->immediate)
                    : plan_from_register(plan, ALU_MOVE, MMIO_WRITE, reg, insn, regs);
}

void emulate_move_stack(const struct mmio_plan *plan, struct emulate_regs *regs)
{
    uint64_t mask = alu_mask(plan->stack_bytes), moved = regs->gpr[RSP] + (uint64_t)(int64_t)plan->stack_delta;

    if (plan->stack_delta != 0) // a stack pointer of four bytes clears the upper half, as any such result does
        regs->gpr[RSP] = plan->stack_bytes == 4 ? moved & mask : (regs->gpr[RSP] & ~mask) | (moved & mask);
}

// The target is in memory, or for a call relative or in a register.
static bool plan_jump_or_call(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    bool relative = insn->opcode == 0xE8, call = relative || insn_extension(insn) == 2;

    if (!call && (insn_extension(insn) != 4 || !insn->is_memory))
        return false;
    plan->rare = call ? RARE_CALL : RARE_JUMP;
    plan->read = (struct mmio_operand){ effective_address(insn, regs), insn->segment };
    if (call)
        plan_push(plan, regs);
    enum mmio_kind kind = !call ? MMIO_READ : insn->is_memory ? MMIO_COPY : MMIO_WRITE;
    return plan_from_value(plan, ALU_MOVE, kind,
                           relative ? next_rip(insn, regs) + insn->immediate : regs->gpr[insn_rm(insn)]);
}

static bool plan_enter(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    plan->rare = RARE_ENTER;
    plan->size = stack_operand_size(insn);
    plan_push(plan, regs);
    return insn->immediate2 % 32 == 0 && plan_from_register(plan, ALU_MOVE, MMIO_WRITE, RBP, insn, regs);
}

static bool plan_leave(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    struct emulate_regs lowered = *regs;

    lowered.gpr[RSP] = regs->gpr[RBP];
    plan->rare = RARE_LEAVE;
    plan->size = stack_operand_size(insn);
    plan_pop(plan, &lowered);
    return plan_to_register(plan, ALU_MOVE, RBP);
}

bool plan_branch(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs, unsigned stack_bytes)
{
    plan->implied = true;
    plan->stack_bytes = (uint8_t)stack_bytes;
    switch (insn->opcode) {
    case 0xC2:
    case 0xC3:
        plan->rare = RARE_RETURN;
        plan_pop(plan, regs);
        plan->stack_delta += (uint16_t)insn->immediate;
        return plan_from_value(plan, ALU_MOVE, MMIO_READ, 0);
    case 0xC8: return plan_enter(plan, insn, regs);
    case 0xC9: return plan_leave(plan, insn, regs);
    case 0xE8:
    case 0xFF: return plan_jump_or_call(plan, insn, regs);
    default: return false;
    }
}

// Only 64-bit code has addresses that none of its instructions can be at: the upper bits repeat bit 47.
static enum emulate_result finish_jump(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                       uint64_t target)
{
    target &= alu_mask(plan->size);
    if (insn->bits == 64 && !is_canonical(target))
        return EMULATE_GENERAL_PROTECTION;
    plan->write_value = next_rip(insn, regs) & alu_mask(plan->size); // of a call
    emulate_move_stack(plan, regs);
    regs->rip = target;
    return EMULATE_OK;
}

enum emulate_result finish_branch(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                  uint64_t memory)
{
    if (mmio_plan_jumps(plan))
        return finish_jump(plan, insn, regs, plan->kind == MMIO_WRITE ? plan->source : memory);
    if (plan->rare == RARE_LEAVE)
        write_register(insn, regs, RSP, plan->stack_bytes, regs->gpr[RBP]);
    emulate_move_stack(plan, regs);
    if (plan->rare == RARE_LEAVE) {
        write_register(insn, regs, RBP, plan->size, memory);
    } else {
        plan->write_value = plan->source;
        write_register(insn, regs, RBP, plan->size, regs->gpr[RSP]);
        plan->stack_delta = -(int32_t)(uint16_t)insn->immediate;
        emulate_move_stack(plan, regs);
    }
    regs->rip = next_rip(insn, regs);
    return EMULATE_OK;
}
