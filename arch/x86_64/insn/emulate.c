// SPDX-License-Identifier: MIT
// Emulation of instructions on device registers: which operands an encoding names, and where its result goes.
//
// Called on nested page faults outside RAM, in two steps that emulate.h describes; insn/alu.c computes. Owns no
// state and touches no memory. Encodings: SDM 2, each instruction's opcode table.
#include "arch/x86_64/insn/emulate.h"

#include "arch/x86_64/insn/plan.h"

static bool high_byte(const struct insn *insn, unsigned reg, unsigned size)
{
    return size == 1 && insn->rex == 0 && reg >= NO_REGISTERS_8H;
}

// These are inline on the way of a plain move alone; from elsewhere they are called by their other names.
static inline uint64_t get_register(const struct insn *insn, const struct emulate_regs *regs, unsigned reg,
                                    unsigned size)
{
    if (high_byte(insn, reg, size))
        return (regs->gpr[reg - NO_REGISTERS_8H] >> 8) & 0xFF;
    return regs->gpr[reg] & alu_mask(size);
}

static inline void set_register(const struct insn *insn, struct emulate_regs *regs, unsigned reg, unsigned size,
                                uint64_t value)
{
    if (high_byte(insn, reg, size)) {
        uint64_t *whole = &regs->gpr[reg - NO_REGISTERS_8H];
        *whole = (*whole & ~UINT64_C(0xFF00)) | (value & 0xFF) << 8;
        return;
    }
    uint64_t kept = size >= 4 ? 0 : regs->gpr[reg] & ~alu_mask(size);
    regs->gpr[reg] = kept | (value & alu_mask(size));
}

static inline bool from_register(struct mmio_plan *plan, enum alu_operation operation, enum mmio_kind kind,
                                 unsigned reg, const struct insn *insn, const struct emulate_regs *regs)
{
    plan->kind = kind;
    plan->operation = operation;
    plan->reg = (uint8_t)reg;
    plan->source = get_register(insn, regs, reg, plan->size);
    return true;
}

uint64_t read_register(const struct insn *insn, const struct emulate_regs *regs, unsigned reg, unsigned size)
{
    return get_register(insn, regs, reg, size);
}

void write_register(const struct insn *insn, struct emulate_regs *regs, unsigned reg, unsigned size, uint64_t value)
{
    set_register(insn, regs, reg, size, value);
}

bool plan_from_register(struct mmio_plan *plan, enum alu_operation operation, enum mmio_kind kind, unsigned reg,
                        const struct insn *insn, const struct emulate_regs *regs)
{
    return from_register(plan, operation, kind, reg, insn, regs);
}

static inline bool from_value(struct mmio_plan *plan, enum alu_operation operation, enum mmio_kind kind,
                              uint64_t value)
{
    plan->kind = kind;
    plan->operation = operation;
    plan->source = value;
    return true;
}

bool plan_from_value(struct mmio_plan *plan, enum alu_operation operation, enum mmio_kind kind, uint64_t value)
{
    return from_value(plan, operation, kind, value);
}

static inline uint64_t address_of(const struct insn *insn, const struct emulate_regs *regs)
{
    uint64_t address = (uint64_t)insn->displacement;

    if (insn->rip_relative)
        address += next_rip(insn, regs);
    if (insn->base != INSN_NO_REGISTER)
        address += regs->gpr[insn->base];
    if (insn->index != INSN_NO_REGISTER)
        address += regs->gpr[insn->index] * insn->scale;
    return address & alu_mask(insn->address_size);
}

uint64_t effective_address(const struct insn *insn, const struct emulate_regs *regs)
{
    return address_of(insn, regs);
}

static enum mmio_kind kind_of(enum alu_operation operation)
{
    return operation == ALU_CMP || operation == ALU_TEST || operation == ALU_BT ? MMIO_READ : MMIO_READ_WRITE;
}

static bool plan_extended(struct mmio_plan *plan, const struct insn *insn, enum alu_operation operation, unsigned size)
{
    plan->size = (uint8_t)size;
    plan->register_size = insn->operand_size;
    return plan_to_register(plan, operation, insn_reg(insn));
}

static bool plan_shift(struct mmio_plan *plan, const struct insn *insn, uint64_t count)
{
    // SHL has two encodings; 2 and 3 are RCL and RCR, and not here.
    static const enum alu_operation operations[8] = { ALU_ROL, ALU_ROR, ALU_MOVE, ALU_MOVE,
                                                      ALU_SHL, ALU_SHR, ALU_SHL,  ALU_SAR };
    enum alu_operation operation = operations[insn_extension(insn)];

    return operation != ALU_MOVE && plan_from_value(plan, operation, MMIO_READ_WRITE, count);
}

static bool plan_group_3(struct mmio_plan *plan, const struct insn *insn)
{
    switch (insn_extension(insn)) {
    case 0:
    case 1: return from_value(plan, ALU_TEST, MMIO_READ, insn->immediate);
    case 2: return plan_from_value(plan, ALU_NOT, MMIO_READ_WRITE, 0);
    case 3: return plan_from_value(plan, ALU_NEG, MMIO_READ_WRITE, 0);
    default: return false;
    }
}

static bool plan_arithmetic(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    enum alu_operation operation = (enum alu_operation)((insn->opcode >> 3) & 7);

    if ((insn->opcode & 2) != 0)
        return plan_to_register(plan, operation, insn_reg(insn));
    return plan_from_register(plan, operation, kind_of(operation), insn_reg(insn), insn, regs);
}

static bool plan_one_byte(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    unsigned group = insn_extension(insn), reg = insn_reg(insn);
    enum alu_operation numbered = (enum alu_operation)group;

    if (insn->opcode < 0x40)
        return plan_arithmetic(plan, insn, regs);
    switch (insn->opcode) {
    case 0x63: // MOVSXD; outside 64-bit mode ARPL. With a 2-byte operand SDM reads two bytes, an AMD CPU four.
        return insn->bits == 64 && plan_extended(plan, insn, ALU_MOVE_SIGNED, 4);
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83: return plan_from_value(plan, numbered, kind_of(numbered), insn->immediate);
    case 0x84:
    case 0x85: return plan_from_register(plan, ALU_TEST, MMIO_READ, reg, insn, regs);
    case 0x86:
    case 0x87: return plan_from_register(plan, ALU_EXCHANGE, MMIO_READ_WRITE, reg, insn, regs);
    case 0x88:
    case 0x89: return from_register(plan, ALU_MOVE, MMIO_WRITE, reg, insn, regs);
    case 0x8A:
    case 0x8B: return plan_to_register(plan, ALU_MOVE, reg);
    case 0xA0:
    case 0xA1: return plan_to_register(plan, ALU_MOVE, RAX);
    case 0xA2:
    case 0xA3: return plan_from_register(plan, ALU_MOVE, MMIO_WRITE, RAX, insn, regs);
    case 0xC0:
    case 0xC1: return plan_shift(plan, insn, insn->immediate);
    case 0xC6:
    case 0xC7: return group == 0 && from_value(plan, ALU_MOVE, MMIO_WRITE, insn->immediate);
    case 0xD0:
    case 0xD1: return plan_shift(plan, insn, 1);
    case 0xD2:
    case 0xD3: return plan_shift(plan, insn, regs->gpr[RCX]);
    case 0xF6:
    case 0xF7: return plan_group_3(plan, insn);
    case 0xFE:
    case 0xFF: return group <= 1 && plan_from_value(plan, group == 0 ? ALU_INC : ALU_DEC, MMIO_READ_WRITE, 0);
    default: return false;
    }
}

// A bit number in a register reaches beyond the operand: the operand's offset moves by whole operands, signed.
static bool plan_bit(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs)
{
    enum alu_operation operation = (enum alu_operation)(ALU_BT + ((insn->opcode >> 3) & 3));
    unsigned log2_bits = plan->size == 8 ? 6 : plan->size == 4 ? 5 : 4;

    plan_from_register(plan, operation, kind_of(operation), insn_reg(insn), insn, regs);
    uint64_t number = alu_sign_extend(plan->source, plan->size);
    uint64_t operands = number >> log2_bits;
    if ((number >> 63) != 0)
        operands |= ~(UINT64_MAX >> log2_bits);
    plan->read.offset = (plan->read.offset + operands * plan->size) & alu_mask(insn->address_size);
    plan->write = plan->read;
    return true;
}

static bool plan_bit_immediate(struct mmio_plan *plan, const struct insn *insn)
{
    enum alu_operation operation = (enum alu_operation)(ALU_BT + (insn_extension(insn) & 3));

    return insn_extension(insn) >= 4 && plan_from_value(plan, operation, kind_of(operation), insn->immediate);
}

static __attribute__((cold)) bool plan_0f(struct mmio_plan *plan, const struct insn *insn,
                                          const struct emulate_regs *regs)
{
    const uint8_t mandatory = INSN_PREFIX_OPSIZE | INSN_PREFIX_REP | INSN_PREFIX_REPNE;
    unsigned reg = insn_reg(insn);

    if (insn->opcode >= 0x40 && insn->opcode <= 0x4F)
        return plan_to_register(plan, ALU_MOVE_IF, reg);
    if (insn->opcode >= 0x90 && insn->opcode <= 0x9F)
        return plan_from_value(plan, ALU_MOVE, MMIO_WRITE, alu_condition(insn->opcode, regs->rflags));
    switch (insn->opcode) {
    case 0xA3:
    case 0xAB:
    case 0xB3:
    case 0xBB: return plan_bit(plan, insn, regs);
    case 0xB0:
    case 0xB1: return plan_from_register(plan, ALU_EXCHANGE_EQUAL, MMIO_READ_WRITE, reg, insn, regs);
    case 0xB6: return plan_extended(plan, insn, ALU_MOVE, 1);
    case 0xB7: return plan_extended(plan, insn, ALU_MOVE, 2);
    case 0xBA: return plan_bit_immediate(plan, insn);
    case 0xBE: return plan_extended(plan, insn, ALU_MOVE_SIGNED, 1);
    case 0xBF: return plan_extended(plan, insn, ALU_MOVE_SIGNED, 2);
    case 0xC0:
    case 0xC1: return plan_from_register(plan, ALU_EXCHANGE_ADD, MMIO_READ_WRITE, reg, insn, regs);
    case 0xC3: // MOVNTI: no operand-size or repeat prefix, and never two bytes
        plan->size = (insn->rex & INSN_REX_W) != 0 ? 8 : 4;
        return (insn->prefixes & mandatory) == 0 && plan_from_register(plan, ALU_MOVE, MMIO_WRITE, reg, insn, regs);
    default: return false;
    }
}

// MOVBE; with REPNE these opcodes are CRC32.
static __attribute__((cold)) bool plan_0f38(struct mmio_plan *plan, const struct insn *insn,
                                            const struct emulate_regs *regs)
{
    if ((insn->prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE)) != 0)
        return false;
    if (insn->opcode == 0xF0)
        return plan_to_register(plan, ALU_MOVE_SWAPPED, insn_reg(insn));
    return insn->opcode == 0xF1 && plan_from_register(plan, ALU_MOVE_SWAPPED, MMIO_WRITE, insn_reg(insn), insn, regs);
}

static bool plan_operation(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs,
                           unsigned stack_bytes)
{
    if (insn->encoding != INSN_LEGACY)
        return false;
    bool implied = !insn->is_memory || insn->opcode == 0xFF || insn->opcode == 0x8F;
    if (implied && insn->map == INSN_MAP_ONE_BYTE &&
        (plan_string(plan, insn, regs) || plan_stack(plan, insn, regs, stack_bytes) ||
         plan_branch(plan, insn, regs, stack_bytes)))
        return true;
    if (!insn->is_memory)
        return false;
    plan->implied = false;
    plan->rare = RARE_NONE;
    plan->stack_delta = 0;
    plan->read = plan->write = (struct mmio_operand){ address_of(insn, regs), insn->segment };
    switch (insn->map) {
    case INSN_MAP_ONE_BYTE: return plan_one_byte(plan, insn, regs) || plan_rare(plan, insn, regs);
    case INSN_MAP_0F: return plan_0f(plan, insn, regs) || plan_rare(plan, insn, regs);
    case INSN_MAP_0F38: return plan_0f38(plan, insn, regs);
    default: return false;
    }
}

enum emulate_result emulate_begin(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs,
                                  unsigned stack_bytes)
{
    *plan = (struct mmio_plan){ .size = insn->operand_size, .register_size = insn->operand_size };
    if (!plan_operation(plan, insn, regs, stack_bytes))
        return EMULATE_UNSUPPORTED;
    // LOCK goes with what reads and writes memory, but not with shifts (SDM 2A, LOCK); elsewhere it is #UD.
    bool shifts = (plan->operation >= ALU_ROL && plan->operation <= ALU_SAR) ||
                  (plan->rare != RARE_NONE && plan->rare != RARE_CMPXCHG8B);
    bool lockable = plan->kind == MMIO_READ_WRITE && !shifts;
    if ((insn->prefixes & INSN_PREFIX_LOCK) != 0 && !lockable)
        return EMULATE_UNSUPPORTED;
    return EMULATE_OK;
}

// CMPXCHG compares rAX with memory, and always writes: what memory held, if they differ.
static void finish_compare_exchange(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                    uint64_t memory)
{
    uint64_t accumulator = regs->gpr[RAX] & alu_mask(plan->size);

    (void)alu_execute(ALU_CMP, accumulator, memory, plan->size, &regs->rflags);
    plan->write_value = accumulator == memory ? plan->source : memory;
    if (accumulator != memory)
        write_register(insn, regs, RAX, plan->size, memory);
}

static void finish_register(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                            uint64_t memory)
{
    uint64_t old = read_register(insn, regs, plan->reg, plan->register_size);
    uint64_t result = alu_execute(plan->operation, old, memory, plan->size, &regs->rflags);

    if (plan->operation == ALU_MOVE_IF && !alu_condition(insn->opcode, regs->rflags))
        result = old;
    if (plan->operation != ALU_CMP)
        write_register(insn, regs, plan->reg, plan->register_size, result);
}

static void finish_memory(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs, uint64_t memory)
{
    uint64_t second = plan->kind == MMIO_COPY ? memory : plan->source;

    plan->write_value = alu_execute(plan->operation, memory, second, plan->size, &regs->rflags);
    if (plan->operation == ALU_EXCHANGE || plan->operation == ALU_EXCHANGE_ADD)
        write_register(insn, regs, plan->reg, plan->size, memory);
}

// Most instructions on device registers: one register or constant to memory, or memory to a register. No flag changes.
static bool is_plain_move(const struct mmio_plan *plan)
{
    return plan->operation == ALU_MOVE && plan->rare == RARE_NONE && !plan->implied &&
           (plan->kind == MMIO_WRITE || plan->kind == MMIO_READ);
}

static __attribute__((cold)) enum emulate_result finish_other(struct mmio_plan *plan, const struct insn *insn,
                                                              struct emulate_regs *regs, uint64_t memory)
{
    bool last = true;

    if (plan->rare != RARE_NONE)
        return finish_rare(plan, insn, regs, memory);
    if (plan->kind != MMIO_NONE) {
        emulate_move_stack(plan, regs);
        if (plan->kind == MMIO_COMPARE)
            (void)alu_execute(ALU_CMP, memory, plan->source, plan->size, &regs->rflags);
        else if (plan->operation == ALU_EXCHANGE_EQUAL)
            finish_compare_exchange(plan, insn, regs, memory);
        else if (plan->to_register)
            finish_register(plan, insn, regs, memory);
        else
            finish_memory(plan, insn, regs, memory);
        if (plan->string)
            last = finish_string(plan, insn, regs);
    }
    if (last)
        regs->rip = next_rip(insn, regs);
    return EMULATE_OK;
}

enum emulate_result emulate_finish(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                   uint64_t read_value)
{
    uint64_t memory = read_value & alu_mask(plan->size);

    if (!is_plain_move(plan))
        return finish_other(plan, insn, regs, memory);
    if (plan->to_register)
        set_register(insn, regs, plan->reg, plan->register_size, memory);
    else
        plan->write_value = plan->source & alu_mask(plan->size);
    regs->rip = next_rip(insn, regs);
    return EMULATE_OK;
}
