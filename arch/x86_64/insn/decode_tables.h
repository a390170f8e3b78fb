// SPDX-License-Identifier: MIT
// What follows each opcode: the shape of one opcode of one map. Private to decode.c and decode_tables.c.
#ifndef ARCH_X86_64_INSN_DECODE_TABLES_H
#define ARCH_X86_64_INSN_DECODE_TABLES_H

#include <stdint.h>

// Bits of a shape. The names in decode_tables.c are those of the opcode map in SDM 2D, Appendix A, where it has one.
#define SHAPE_MODRM     0x0001u
#define SHAPE_IMM8      0x0002u // Ib, or rel8
#define SHAPE_IMM16     0x0004u // Iw
#define SHAPE_IMMZ      0x0008u // Iz: 2 bytes with a 16-bit operand, else 4
#define SHAPE_IMMV      0x0010u // Iv: 2, 4 or 8 bytes (MOV r64, imm64)
#define SHAPE_FAR       0x0020u // Ap: offset of 2 or 4 bytes, then a selector
#define SHAPE_MOFFS     0x0040u // Ob, Ov: an address of address size
#define SHAPE_BYTE      0x0080u // byte operands: operand size is 1 whatever the prefixes
#define SHAPE_NOT64     0x0100u // no instruction in 64-bit mode
#define SHAPE_DEFAULT64 0x0200u // in 64-bit mode 8 bytes, or 2 with an operand-size prefix
#define SHAPE_FORCE64   0x0400u // in 64-bit mode 8 bytes, the operand-size prefix has no effect (Intel)
#define SHAPE_REGISTERS 0x0800u // ModRM.mod is ignored: both operands are registers
#define SHAPE_MAX32     0x2000u // 4 bytes at most: REX.W has no effect on IN, OUT, INS, OUTS
#define SHAPE_BAD       0x1000u // no instruction in any mode, or a prefix or escape handled before the table

extern const uint16_t shape_one_byte[256];
extern const uint16_t shape_0f[256];

#endif
