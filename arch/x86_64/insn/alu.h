// SPDX-License-Identifier: MIT
// The arithmetic of x86's general-purpose instructions: one operation on two values, with its flags. Pure.
//
// Called by emulate.c only. Knows no registers, no memory and no encodings.
#ifndef ARCH_X86_64_INSN_ALU_H
#define ARCH_X86_64_INSN_ALU_H

#include <stdbool.h>
#include <stdint.h>

// RFLAGS: SDM 1, 3.4.3.
#define RFLAGS_CF         0x001u
#define RFLAGS_PF         0x004u
#define RFLAGS_AF         0x010u
#define RFLAGS_ZF         0x040u
#define RFLAGS_SF         0x080u
#define RFLAGS_DF         0x400u
#define RFLAGS_OF         0x800u
#define RFLAGS_ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

// The first eight as bits 5:3 of the opcodes 00-3F and ModRM.reg of 80-83 number them.
enum alu_operation {
    ALU_ADD,
    ALU_OR,
    ALU_ADC,
    ALU_SBB,
    ALU_AND,
    ALU_SUB,
    ALU_XOR,
    ALU_CMP,
    ALU_TEST,
    ALU_NOT,
    ALU_NEG,
    ALU_INC,
    ALU_DEC,
    ALU_ROL,
    ALU_ROR,
    ALU_SHL,
    ALU_SHR,
    ALU_SAR,
    ALU_BT,
    ALU_BTS,
    ALU_BTR,
    ALU_BTC,
    ALU_MOVE,          // the result is the second operand; also SETcc, whose source is the condition
    ALU_MOVE_SIGNED,   // MOVSX, MOVSXD
    ALU_MOVE_SWAPPED,  // MOVBE
    ALU_MOVE_IF,       // CMOVcc: the caller keeps the first operand when the condition is false
    ALU_EXCHANGE,      // XCHG
    ALU_EXCHANGE_ADD,  // XADD
    ALU_EXCHANGE_EQUAL // CMPXCHG
};

static inline uint64_t alu_mask(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
}

// The result of `operation` on operands of `size` bytes, of which a is also the destination; updates the arithmetic
// flags in *rflags as the operation does. Flags the manuals leave undefined get some value, always the same.
uint64_t alu_execute(enum alu_operation operation, uint64_t a, uint64_t b, unsigned size, uint64_t *rflags);

uint64_t alu_sign_extend(uint64_t value, unsigned size);

// SDM 1, appendix B: the condition in the low four bits of Jcc, SETcc and CMOVcc opcodes.
bool alu_condition(unsigned code, uint64_t rflags);

#endif
