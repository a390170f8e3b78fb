// SPDX-License-Identifier: MIT
// What the two halves of the emulator share: registers by number, and the three shapes of a plan. Pure.
#ifndef ARCH_X86_64_INSN_PLAN_H
#define ARCH_X86_64_INSN_PLAN_H

#include "arch/x86_64/insn/emulate.h"

enum { RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7, NO_REGISTERS_8H = 4 };

static inline uint64_t next_rip(const struct insn *insn, const struct emulate_regs *regs)
{
    uint64_t next = regs->rip + insn->length;
    return insn->bits == 64 ? next : (uint32_t)next;
}

// ModRM.reg where it chooses an operation.
static inline unsigned insn_extension(const struct insn *insn)
{
    return (insn->modrm >> 3) & 7u;
}

// Registers by number and size: without REX the byte registers 4 to 7 are AH, CH, DH and BH (SDM 2A 2.2.1.2); of a
// write, four bytes clear the upper half, one and two merge (SDM 1, 3.4.1.1). Not inline, like what plans below: they
// are called from everywhere.
__attribute__((noinline)) uint64_t read_register(const struct insn *insn, const struct emulate_regs *regs, unsigned reg,
                                                 unsigned size);
__attribute__((noinline)) void write_register(const struct insn *insn, struct emulate_regs *regs, unsigned reg,
                                              unsigned size, uint64_t value);

// What is decided for an encoding: the operation, the direction of the access, and the operand that is not memory.
// False would be an encoding that is not emulated.
static inline bool plan_to_register(struct mmio_plan *plan, enum alu_operation operation, unsigned reg)
{
    plan->kind = MMIO_READ;
    plan->operation = operation;
    plan->to_register = true;
    plan->reg = (uint8_t)reg;
    return true;
}

__attribute__((noinline)) bool plan_from_register(struct mmio_plan *plan, enum alu_operation operation,
                                                  enum mmio_kind kind, unsigned reg, const struct insn *insn,
                                                  const struct emulate_regs *regs);
__attribute__((noinline)) bool plan_from_value(struct mmio_plan *plan, enum alu_operation operation,
                                               enum mmio_kind kind, uint64_t value);

// insn/implied.c: instructions whose operands in memory are implied, wholly or in part. False: it is none of them.
__attribute__((noinline)) bool plan_string(struct mmio_plan *plan, const struct insn *insn,
                                           const struct emulate_regs *regs);
__attribute__((noinline)) bool plan_stack(struct mmio_plan *plan, const struct insn *insn,
                                          const struct emulate_regs *regs, unsigned stack_bytes);

// insn/rare.c, of instructions whose one operand in memory is planned already.
bool plan_rare(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs);
enum emulate_result finish_rare(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                uint64_t memory);

__attribute__((noinline)) bool plan_branch(struct mmio_plan *plan, const struct insn *insn,
                                           const struct emulate_regs *regs, unsigned stack_bytes);
enum emulate_result finish_branch(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                  uint64_t memory);

// Moves rSP by what the plan pushes or pops.
void emulate_move_stack(const struct mmio_plan *plan, struct emulate_regs *regs);

// Moves the pointers of a string instruction; false while iterations remain.
bool finish_string(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs);

// The offset that ModRM, SIB and displacement name.
__attribute__((noinline)) uint64_t effective_address(const struct insn *insn, const struct emulate_regs *regs);

#endif
