// SPDX-License-Identifier: MIT
// The one-byte and the 0F opcode maps (SDM 2D, Appendix A, tables; APM 3, Appendix A, for 3DNow! and
// SSE4A).
//
// One shape per opcode, sixteen to a pair of rows, so that the tables can be read beside the manual's. Shapes that
// depend on ModRM.reg or on a mandatory prefix (F6, F7, FF, 0F 78) are completed in decode.c. The maps 0F 38 and 0F 3A
// need no table: every opcode of the first has a ModRM byte, every one of the second a ModRM byte and an immediate
// byte.
#include "arch/x86_64/insn/decode_tables.h"

#define __  0u // nothing follows
#define XX  SHAPE_BAD
#define N6  SHAPE_NOT64
#define io  SHAPE_MAX32
#define ioI (SHAPE_MAX32 | SHAPE_IMM8)
#define M   SHAPE_MODRM
#define Mb  (SHAPE_MODRM | SHAPE_BYTE)
#define M64 (SHAPE_MODRM | SHAPE_NOT64)
#define MIb (SHAPE_MODRM | SHAPE_IMM8)
#define MbI (SHAPE_MODRM | SHAPE_BYTE | SHAPE_IMM8)
#define MI6 (SHAPE_MODRM | SHAPE_BYTE | SHAPE_IMM8 | SHAPE_NOT64)
#define MIz (SHAPE_MODRM | SHAPE_IMMZ)
#define Md  (SHAPE_MODRM | SHAPE_DEFAULT64)
#define Mr  (SHAPE_MODRM | SHAPE_REGISTERS | SHAPE_FORCE64)
#define b_  SHAPE_BYTE
#define Ib  (SHAPE_BYTE | SHAPE_IMM8)
#define vIb SHAPE_IMM8
#define I6  (SHAPE_IMM8 | SHAPE_NOT64)
#define Iz  SHAPE_IMMZ
#define Iv  SHAPE_IMMV
#define D   SHAPE_DEFAULT64
#define DIb (SHAPE_DEFAULT64 | SHAPE_IMM8)
#define DIz (SHAPE_DEFAULT64 | SHAPE_IMMZ)
#define Jb  (SHAPE_FORCE64 | SHAPE_IMM8)
#define Jz  (SHAPE_FORCE64 | SHAPE_IMMZ)
#define Rn  SHAPE_FORCE64
#define RnI (SHAPE_FORCE64 | SHAPE_IMM16)
#define RfI SHAPE_IMM16
#define Ent (SHAPE_DEFAULT64 | SHAPE_IMM16 | SHAPE_IMM8)
#define Ap  (SHAPE_FAR | SHAPE_NOT64)
#define Ob  (SHAPE_MOFFS | SHAPE_BYTE)
#define Ov  SHAPE_MOFFS

// clang-format off
const uint16_t shape_one_byte[256] = {
    //  0    1    2    3    4    5    6    7       8    9    A    B    C    D    E    F
    /* 0 */ Mb,  M,   Mb,  M,   Ib,  Iz,  N6,  N6,     Mb,  M,   Mb,  M,   Ib,  Iz,  N6,  XX,
    /* 1 */ Mb,  M,   Mb,  M,   Ib,  Iz,  N6,  N6,     Mb,  M,   Mb,  M,   Ib,  Iz,  N6,  N6,
    /* 2 */ Mb,  M,   Mb,  M,   Ib,  Iz,  XX,  N6,     Mb,  M,   Mb,  M,   Ib,  Iz,  XX,  N6,
    /* 3 */ Mb,  M,   Mb,  M,   Ib,  Iz,  XX,  N6,     Mb,  M,   Mb,  M,   Ib,  Iz,  XX,  N6,
    /* 4 */ __,  __,  __,  __,  __,  __,  __,  __,     __,  __,  __,  __,  __,  __,  __,  __,
    /* 5 */ D,   D,   D,   D,   D,   D,   D,   D,      D,   D,   D,   D,   D,   D,   D,   D,
    /* 6 */ N6,  N6,  M64, M,   XX,  XX,  XX,  XX,     DIz, MIz, DIb, MIb, b_,  io,  b_,  io,
    /* 7 */ Jb,  Jb,  Jb,  Jb,  Jb,  Jb,  Jb,  Jb,     Jb,  Jb,  Jb,  Jb,  Jb,  Jb,  Jb,  Jb,
    /* 8 */ MbI, MIz, MI6, MIb, Mb,  M,   Mb,  M,      Mb,  M,   Mb,  M,   M,   M,   M,   Md,
    /* 9 */ __,  __,  __,  __,  __,  __,  __,  __,     __,  __,  Ap,  __,  D,   D,   __,  __,
    /* A */ Ob,  Ov,  Ob,  Ov,  b_,  __,  b_,  __,     Ib,  Iz,  b_,  __,  b_,  __,  b_,  __,
    /* B */ Ib,  Ib,  Ib,  Ib,  Ib,  Ib,  Ib,  Ib,     Iv,  Iv,  Iv,  Iv,  Iv,  Iv,  Iv,  Iv,
    /* C */ MbI, MIb, RnI, Rn,  M64, M64, MbI, MIz,    Ent, D,   RfI, __,  __,  vIb, N6,  __,
    /* D */ Mb,  M,   Mb,  M,   I6,  I6,  N6,  __,     M,   M,   M,   M,   M,   M,   M,   M,
    /* E */ Jb,  Jb,  Jb,  Jb,  Ib,  ioI, Ib,  ioI,    Jz,  Jz,  Ap,  Jb,  b_,  io,  b_,  io,
    /* F */ XX,  __,  XX,  XX,  __,  __,  Mb,  M,      __,  __,  __,  __,  __,  __,  Mb,  M,
};

const uint16_t shape_0f[256] = {
    //  0    1    2    3    4    5    6    7       8    9    A    B    C    D    E    F
    /* 0 */ M,   M,   M,   M,   XX,  __,  __,  __,     __,  __,  XX,  __,  XX,  M,   __,  MIb,
    /* 1 */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
    /* 2 */ Mr,  Mr,  Mr,  Mr,  XX,  XX,  XX,  XX,     M,   M,   M,   M,   M,   M,   M,   M,
    /* 3 */ __,  __,  __,  __,  __,  __,  XX,  __,     XX,  XX,  XX,  XX,  XX,  XX,  XX,  XX,
    /* 4 */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
    /* 5 */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
    /* 6 */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
    /* 7 */ MIb, MIb, MIb, MIb, M,   M,   M,   __,     M,   M,   XX,  XX,  M,   M,   M,   M,
    /* 8 */ Jz,  Jz,  Jz,  Jz,  Jz,  Jz,  Jz,  Jz,     Jz,  Jz,  Jz,  Jz,  Jz,  Jz,  Jz,  Jz,
    /* 9 */ Mb,  Mb,  Mb,  Mb,  Mb,  Mb,  Mb,  Mb,     Mb,  Mb,  Mb,  Mb,  Mb,  Mb,  Mb,  Mb,
    /* A */ D,   D,   __,  M,   MIb, M,   M,   M,      D,   D,   __,  M,   MIb, M,   M,   M,
    /* B */ Mb,  M,   M,   M,   M,   M,   M,   M,      M,   M,   MIb, M,   M,   M,   M,   M,
    /* C */ Mb,  M,   MIb, M,   MIb, MIb, MIb, M,      __,  __,  __,  __,  __,  __,  __,  __,
    /* D */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
    /* E */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
    /* F */ M,   M,   M,   M,   M,   M,   M,   M,      M,   M,   M,   M,   M,   M,   M,   M,
};
// clang-format on
