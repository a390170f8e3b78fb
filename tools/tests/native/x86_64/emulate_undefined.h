// SPDX-License-Identifier: MIT
// What the manuals leave open of the instructions that test_emulate.c executes: SDM 2, "Flags Affected" of each.
#ifndef TOOLS_TESTS_NATIVE_X86_64_EMULATE_UNDEFINED_H
#define TOOLS_TESTS_NATIVE_X86_64_EMULATE_UNDEFINED_H

#include "arch/x86_64/insn/emulate.h"

static bool is_double_shift(const struct mmio_plan *plan)
{
    return plan->rare == RARE_SHLD || plan->rare == RARE_SHRD;
}

static unsigned shift_count(const struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *in)
{
    bool by_cl = (insn->opcode & 1) != 0;
    uint64_t count = !is_double_shift(plan) ? plan->source : by_cl ? in->gpr[1] : insn->immediate;
    return (unsigned)count & (plan->size == 8 ? 63 : 31);
}

// A 2-byte operand shifted by more than 16.
static bool result_is_open(const struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *in)
{
    return is_double_shift(plan) && plan->size == 2 && shift_count(plan, insn, in) > 16;
}

// After rotations and shifts OF but for a count of 1; after shifts AF, too, and CF when the count reaches the operand's
// width.
static uint64_t undefined_after_shift(const struct mmio_plan *plan, unsigned count)
{
    enum alu_operation operation = plan->operation;
    bool shift = operation == ALU_SHL || operation == ALU_SHR;
    uint64_t undefined = count != 1 ? RFLAGS_OF : 0;

    if (count == 0)
        return 0;
    if (shift || operation == ALU_SAR || is_double_shift(plan))
        undefined |= RFLAGS_AF;
    return shift && count >= 8u * plan->size ? undefined | RFLAGS_CF : undefined;
}

// AF after logic, all but CF and ZF after bit tests.
static uint64_t undefined_flags(const struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *in)
{
    enum alu_operation operation = plan->operation;

    if (plan->rare == RARE_SCAN_FORWARD || plan->rare == RARE_SCAN_REVERSE)
        return RFLAGS_ARITHMETIC & ~RFLAGS_ZF;
    if (plan->rare >= RARE_PRODUCT && plan->rare <= RARE_IMUL)
        return RFLAGS_ARITHMETIC & ~(RFLAGS_CF | RFLAGS_OF);
    if (plan->rare == RARE_DIV || plan->rare == RARE_IDIV)
        return RFLAGS_ARITHMETIC;
    if (plan->rare >= RARE_RCL && plan->rare <= RARE_SHRD)
        return undefined_after_shift(plan, shift_count(plan, insn, in));
    if (operation == ALU_AND || operation == ALU_OR || operation == ALU_XOR || operation == ALU_TEST)
        return RFLAGS_AF;
    if (operation >= ALU_BT && operation <= ALU_BTC)
        return RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF;
    if (operation >= ALU_ROL && operation <= ALU_SAR)
        return undefined_after_shift(plan, shift_count(plan, insn, in));
    return 0;
}

#endif
