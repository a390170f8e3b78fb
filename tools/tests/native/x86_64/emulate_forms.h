// SPDX-License-Identifier: MIT
// The instruction forms the emulator supports, from which test_emulate.c builds instances. A table only.
#ifndef TOOLS_TESTS_NATIVE_X86_64_EMULATE_FORMS_H
#define TOOLS_TESTS_NATIVE_X86_64_EMULATE_FORMS_H

#include <stdint.h>

#define REG (-1)

enum immediate { NO_IMM, IMM8, IMMZ, IMM16, FRAME, NEXT }; // of ENTER without levels; relative to what follows
enum trait {
    BYTES = 0x01,
    LOCKABLE = 0x02,
    MOFFS = 0x04,
    BIT_NUMBER = 0x08, // in a register: the operand is elsewhere
    NO_OPSIZE = 0x10,
    STRING = 0x20,
    EIGHT_OPCODES = 0x40,    // every eighth from the given one: the operations of 00-3F
    EIGHT_EXTENSIONS = 0x80, // ModRM.reg chooses
    SIXTEEN_OPCODES = 0x100, // a condition each
    STACK = 0x200,           // rSP points into the memory
    NO_MODRM = 0x400,
    IN_OPCODE = 0x800,  // the register's number is in the opcode
    DIVIDES = 0x1000,   // the dividend is mostly one whose quotient fits
    TWO_WORDS = 0x2000, // 8 bytes, with REX.W 16, which are aligned
    BRANCH = 0x4000,    // to an address that is read: of what follows
    FROM_RBP = 0x8000,  // rBP points into the memory
};

struct form {
    const char *name;
    uint8_t map, opcode;
    int extension; // ModRM.reg, or REG where a register stands there
    enum immediate immediate;
    unsigned traits;
};

// clang-format off
static const struct form forms[] = {
    { "op m8, r8",           0, 0x00, REG, NO_IMM, BYTES | LOCKABLE | EIGHT_OPCODES },
    { "op m, r",             0, 0x01, REG, NO_IMM, LOCKABLE | EIGHT_OPCODES },
    { "op r8, m8",           0, 0x02, REG, NO_IMM, BYTES | EIGHT_OPCODES },
    { "op r, m",             0, 0x03, REG, NO_IMM, EIGHT_OPCODES },
    { "op m8, imm8",         0, 0x80, 0,   IMM8,   BYTES | LOCKABLE | EIGHT_EXTENSIONS },
    { "op m, imm",           0, 0x81, 0,   IMMZ,   LOCKABLE | EIGHT_EXTENSIONS },
    { "op m, imm8",          0, 0x83, 0,   IMM8,   LOCKABLE | EIGHT_EXTENSIONS },
    { "shift m8, imm8",      0, 0xC0, 0,   IMM8,   BYTES | EIGHT_EXTENSIONS },
    { "shift m, imm8",       0, 0xC1, 0,   IMM8,   EIGHT_EXTENSIONS },
    { "shift m8, 1",         0, 0xD0, 0,   NO_IMM, BYTES | EIGHT_EXTENSIONS },
    { "shift m, 1",          0, 0xD1, 0,   NO_IMM, EIGHT_EXTENSIONS },
    { "shift m8, cl",        0, 0xD2, 0,   NO_IMM, BYTES | EIGHT_EXTENSIONS },
    { "shift m, cl",         0, 0xD3, 0,   NO_IMM, EIGHT_EXTENSIONS },
    { "mov m8, r8",          0, 0x88, REG, NO_IMM, BYTES },
    { "mov m, r",            0, 0x89, REG, NO_IMM, 0 },
    { "mov r8, m8",          0, 0x8A, REG, NO_IMM, BYTES },
    { "mov r, m",            0, 0x8B, REG, NO_IMM, 0 },
    { "mov m8, imm8",        0, 0xC6, 0,   IMM8,   BYTES },
    { "mov m, imm",          0, 0xC7, 0,   IMMZ,   0 },
    { "mov al, moffs",       0, 0xA0, REG, NO_IMM, BYTES | MOFFS },
    { "mov rax, moffs",      0, 0xA1, REG, NO_IMM, MOFFS },
    { "mov moffs, al",       0, 0xA2, REG, NO_IMM, BYTES | MOFFS },
    { "mov moffs, rax",      0, 0xA3, REG, NO_IMM, MOFFS },
    { "movzx r, m8",         1, 0xB6, REG, NO_IMM, 0 },
    { "movzx r, m16",        1, 0xB7, REG, NO_IMM, 0 },
    { "movsx r, m8",         1, 0xBE, REG, NO_IMM, 0 },
    { "movsx r, m16",        1, 0xBF, REG, NO_IMM, 0 },
    { "movsxd r, m",         0, 0x63, REG, NO_IMM, 0 },
    { "movnti m, r",         1, 0xC3, REG, NO_IMM, NO_OPSIZE },
    { "movbe r, m",          2, 0xF0, REG, NO_IMM, 0 },
    { "movbe m, r",          2, 0xF1, REG, NO_IMM, 0 },
    { "cmovcc r, m",         1, 0x40, REG, NO_IMM, SIXTEEN_OPCODES },
    { "setcc m8",            1, 0x90, REG, NO_IMM, BYTES | SIXTEEN_OPCODES },
    { "test m8, r8",         0, 0x84, REG, NO_IMM, BYTES },
    { "test m, r",           0, 0x85, REG, NO_IMM, 0 },
    { "test m8, imm8",       0, 0xF6, 0,   IMM8,   BYTES },
    { "test m, imm",         0, 0xF7, 0,   IMMZ,   0 },
    { "test m8, imm8 (/1)",  0, 0xF6, 1,   IMM8,   BYTES },
    { "test m, imm (/1)",    0, 0xF7, 1,   IMMZ,   0 },
    { "not m8",              0, 0xF6, 2,   NO_IMM, BYTES | LOCKABLE },
    { "not m",               0, 0xF7, 2,   NO_IMM, LOCKABLE },
    { "neg m8",              0, 0xF6, 3,   NO_IMM, BYTES | LOCKABLE },
    { "neg m",               0, 0xF7, 3,   NO_IMM, LOCKABLE },
    { "inc m8",              0, 0xFE, 0,   NO_IMM, BYTES | LOCKABLE },
    { "inc m",               0, 0xFF, 0,   NO_IMM, LOCKABLE },
    { "dec m8",              0, 0xFE, 1,   NO_IMM, BYTES | LOCKABLE },
    { "dec m",               0, 0xFF, 1,   NO_IMM, LOCKABLE },
    { "xchg m8, r8",         0, 0x86, REG, NO_IMM, BYTES | LOCKABLE },
    { "xchg m, r",           0, 0x87, REG, NO_IMM, LOCKABLE },
    { "cmpxchg m8, r8",      1, 0xB0, REG, NO_IMM, BYTES | LOCKABLE },
    { "cmpxchg m, r",        1, 0xB1, REG, NO_IMM, LOCKABLE },
    { "xadd m8, r8",         1, 0xC0, REG, NO_IMM, BYTES | LOCKABLE },
    { "xadd m, r",           1, 0xC1, REG, NO_IMM, LOCKABLE },
    { "bt m, r",             1, 0xA3, REG, NO_IMM, BIT_NUMBER },
    { "bts m, r",            1, 0xAB, REG, NO_IMM, BIT_NUMBER | LOCKABLE },
    { "btr m, r",            1, 0xB3, REG, NO_IMM, BIT_NUMBER | LOCKABLE },
    { "btc m, r",            1, 0xBB, REG, NO_IMM, BIT_NUMBER | LOCKABLE },
    { "bt m, imm8",          1, 0xBA, 4,   IMM8,   0 },
    { "bts m, imm8",         1, 0xBA, 5,   IMM8,   LOCKABLE },
    { "btr m, imm8",         1, 0xBA, 6,   IMM8,   LOCKABLE },
    { "btc m, imm8",         1, 0xBA, 7,   IMM8,   LOCKABLE },
    { "movsb",               0, 0xA4, REG, NO_IMM, STRING | BYTES },
    { "movs",                0, 0xA5, REG, NO_IMM, STRING },
    { "stosb",               0, 0xAA, REG, NO_IMM, STRING | BYTES },
    { "stos",                0, 0xAB, REG, NO_IMM, STRING },
    { "lodsb",               0, 0xAC, REG, NO_IMM, STRING | BYTES },
    { "lods",                0, 0xAD, REG, NO_IMM, STRING },
    { "cmpsb",               0, 0xA6, REG, NO_IMM, STRING | BYTES },
    { "cmps",                0, 0xA7, REG, NO_IMM, STRING },
    { "scasb",               0, 0xAE, REG, NO_IMM, STRING | BYTES },
    { "scas",                0, 0xAF, REG, NO_IMM, STRING },
    { "mul m8",              0, 0xF6, 4,   NO_IMM, BYTES },
    { "mul m",               0, 0xF7, 4,   NO_IMM, 0 },
    { "imul m8",             0, 0xF6, 5,   NO_IMM, BYTES },
    { "imul m",              0, 0xF7, 5,   NO_IMM, 0 },
    { "div m8",              0, 0xF6, 6,   NO_IMM, BYTES | DIVIDES },
    { "div m",               0, 0xF7, 6,   NO_IMM, DIVIDES },
    { "idiv m8",             0, 0xF6, 7,   NO_IMM, BYTES | DIVIDES },
    { "idiv m",              0, 0xF7, 7,   NO_IMM, DIVIDES },
    { "imul r, m",           1, 0xAF, REG, NO_IMM, 0 },
    { "imul r, m, imm",      0, 0x69, REG, IMMZ,   0 },
    { "imul r, m, imm8",     0, 0x6B, REG, IMM8,   0 },
    { "shld m, r, imm8",     1, 0xA4, REG, IMM8,   0 },
    { "shld m, r, cl",       1, 0xA5, REG, NO_IMM, 0 },
    { "shrd m, r, imm8",     1, 0xAC, REG, IMM8,   0 },
    { "shrd m, r, cl",       1, 0xAD, REG, NO_IMM, 0 },
    { "bsf r, m",            1, 0xBC, REG, NO_IMM, 0 },
    { "bsr r, m",            1, 0xBD, REG, NO_IMM, 0 },
    { "cmpxchg8b m",         1, 0xC7, 1,   NO_IMM, TWO_WORDS | LOCKABLE | NO_OPSIZE },
    { "push m",              0, 0xFF, 6,   NO_IMM, STACK },
    { "pop m",               0, 0x8F, 0,   NO_IMM, STACK },
    { "push r",              0, 0x50, REG, NO_IMM, STACK | IN_OPCODE },
    { "pop r",               0, 0x58, REG, NO_IMM, STACK | IN_OPCODE },
    { "push imm",            0, 0x68, REG, IMMZ,   STACK | NO_MODRM },
    { "push imm8",           0, 0x6A, REG, IMM8,   STACK | NO_MODRM },
    { "jmp m",               0, 0xFF, 4,   NO_IMM, BRANCH | NO_OPSIZE },
    { "call m",              0, 0xFF, 2,   NO_IMM, BRANCH | STACK | NO_OPSIZE },
    { "call",                0, 0xE8, REG, NEXT,   STACK | NO_MODRM | NO_OPSIZE },
    { "ret",                 0, 0xC3, REG, NO_IMM, BRANCH | STACK | NO_MODRM | NO_OPSIZE },
    { "ret imm",             0, 0xC2, REG, IMM16,  BRANCH | STACK | NO_MODRM | NO_OPSIZE },
    { "enter",               0, 0xC8, REG, FRAME,  STACK | NO_MODRM },
    { "leave",               0, 0xC9, REG, NO_IMM, STACK | NO_MODRM | FROM_RBP },
};
// clang-format on

#endif
