// SPDX-License-Identifier: MIT
// Decoder of x86 instructions: length, opcode, operands in memory. Pure: bytes in, struct insn out.
//
// Called for instruction lengths where the CPU saves no next RIP, and for emulation after nested page faults
// (emulate.h). It reads at most INSN_MAX_LENGTH bytes and never looks at registers or guest memory. It does not tell
// whether this CPU would raise #UD for a well-formed instruction: by the time we decode, a CPU has accepted it.
#ifndef ARCH_X86_64_INSN_DECODE_H
#define ARCH_X86_64_INSN_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX_LENGTH      15 // SDM 2A 2.3.11; one byte more is #GP

// Legacy prefixes seen (SDM 2A 2.1.1). REX is in insn.rex. Of REP and REPNE the last one counts, and only it is set.
#define INSN_PREFIX_OPSIZE   0x01u
#define INSN_PREFIX_ADDRSIZE 0x02u
#define INSN_PREFIX_LOCK     0x04u
#define INSN_PREFIX_REP      0x08u
#define INSN_PREFIX_REPNE    0x10u

#define INSN_REX_B           0x1u
#define INSN_REX_X           0x2u
#define INSN_REX_R           0x4u
#define INSN_REX_W           0x8u

enum insn_encoding { INSN_LEGACY, INSN_VEX, INSN_EVEX, INSN_XOP };

// Opcode maps, numbered as VEX.mmmmm does; XOP's own maps are 8 to 10 and 3DNow! is map 1 opcode 0F.
enum insn_map { INSN_MAP_ONE_BYTE = 0, INSN_MAP_0F = 1, INSN_MAP_0F38 = 2, INSN_MAP_0F3A = 3 };

// In the order of the segment override prefixes and of ModRM.reg in MOV Sreg.
enum insn_segment { INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS };

#define INSN_NO_REGISTER (-1)

struct insn {
    uint8_t length;
    uint8_t bits; // the mode it was decoded for: 16, 32 or 64
    enum insn_encoding encoding;
    uint8_t map, opcode; // enum insn_map (or a later VEX/EVEX/XOP map)
    uint8_t modrm, sib;
    uint8_t rex;          // 0x40-0x4F, or 0 for none; for VEX, EVEX, XOP its W, R, X, B bits without 0x40
    uint8_t prefixes;     // INSN_PREFIX_*
    uint8_t operand_size; // bytes: 1 where the opcode has byte operands, else 2, 4 or 8; general-purpose only
    uint8_t address_size; // bytes: 2, 4 or 8
    bool has_modrm;
    bool is_memory;            // ModRM names memory, or a moffs does. Implied operands (string, stack) do not count
    bool rip_relative;         // displacement counts from the next instruction; base and index are none
    bool segment_overridden;   // by a prefix that has an effect in this mode
    enum insn_segment segment; // of the memory operand; for implied rSI operands DS or the override
    int8_t base, index;        // 0 rAX .. 15 r15, or INSN_NO_REGISTER
    uint8_t scale;             // 1, 2, 4 or 8
    int64_t displacement;      // sign-extended; a moffs is its address; EVEX disp8 is as encoded, not scaled
    uint64_t immediate;     // sign-extended; a far pointer's offset, ENTER's frame size, both bytes of EXTRQ or INSERTQ
    uint8_t immediate_size; // bytes encoded; 0 for none
    uint16_t immediate2;    // second one: far pointer's selector, ENTER's level
};

enum decode_result {
    DECODE_OK,
    DECODE_NEED_MORE, // the bytes end inside the instruction
    DECODE_INVALID,   // no instruction in this mode
    DECODE_TOO_LONG,  // more than INSN_MAX_LENGTH bytes
};

// Decode the instruction at `bytes`, of which `available` can be read, for a code segment of `bits` = 16, 32 or 64.
// `out` is fully written only when the result is DECODE_OK.
enum decode_result insn_decode(struct insn *out, const uint8_t *bytes, size_t available, unsigned bits);

// ModRM.reg with REX.R, and ModRM.rm with REX.B: register numbers of an instruction with has_modrm.
static inline unsigned insn_reg(const struct insn *insn)
{
    return ((insn->modrm >> 3) & 7u) | ((insn->rex & INSN_REX_R) != 0 ? 8u : 0u);
}

static inline unsigned insn_rm(const struct insn *insn)
{
    return (insn->modrm & 7u) | ((insn->rex & INSN_REX_B) != 0 ? 8u : 0u);
}

#endif
