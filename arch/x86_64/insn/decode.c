// SPDX-License-Identifier: MIT
// The decoder: prefixes, opcode, ModRM and SIB, displacement, immediate, in the order the CPU reads them.
//
// Owns no state. Each stage takes bytes from a cursor; a byte that is not there makes the cursor's failure stick, later
// bytes read as zero, and insn_decode looks once at the end. So no stage can read beyond `available` or loop for ever.
// Manuals: SDM 2A chapter 2 (formats, REX, VEX, EVEX), SDM 2D appendix A (maps), APM 3 1.2 and 1.9 (XOP).
#include "arch/x86_64/insn/decode.h"
#include "arch/x86_64/insn/decode_tables.h"

#include <string.h>

struct cursor {
    const uint8_t *bytes;
    size_t available, position;
    size_t end; // of what may be taken: `available`, at most INSN_MAX_LENGTH, and 0 after a failure
    enum decode_result failure; // DECODE_OK until something is missing
};

static __attribute__((noinline)) uint8_t no_byte(struct cursor *cursor)
{
    if (cursor->failure == DECODE_OK)
        cursor->failure = cursor->position >= INSN_MAX_LENGTH ? DECODE_TOO_LONG : DECODE_NEED_MORE;
    cursor->end = 0;
    return 0;
}

static inline uint8_t next_byte(struct cursor *cursor)
{
    return cursor->position < cursor->end ? cursor->bytes[cursor->position++] : no_byte(cursor);
}

// Little-endian, sign-extended, byte by byte to the one that is missing.
static __attribute__((noinline)) uint64_t next_signed_slowly(struct cursor *cursor, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)next_byte(cursor) << (8 * i);
    if (size < 8 && ((value >> (8 * size - 1)) & 1) != 0)
        value |= ~UINT64_C(0) << (8 * size);
    return value;
}

// Little-endian, sign-extended from `size` bytes (0 to 8).
static inline uint64_t next_signed(struct cursor *cursor, unsigned size)
{
    const uint8_t *from = cursor->bytes + cursor->position;
    int32_t four;

    if (size == 0)
        return 0;
    if ((size != 1 && size != 4) || cursor->position + size > cursor->end)
        return next_signed_slowly(cursor, size);
    cursor->position += size;
    if (size == 1)
        return (uint64_t)(int8_t)from[0];
    memcpy(&four, from, sizeof(four));
    return (uint64_t)four;
}

static void invalid(struct cursor *cursor)
{
    if (cursor->failure == DECODE_OK)
        cursor->failure = DECODE_INVALID;
}

// In 64-bit mode ES, CS, SS and DS overrides do nothing (SDM 1, 3.3.7.1), not even cancel an earlier FS or GS.
static void override_segment(struct insn *insn, enum insn_segment segment)
{
    if (insn->bits == 64 && segment != INSN_FS && segment != INSN_GS)
        return;
    insn->segment = segment;
    insn->segment_overridden = true;
}

static bool take_legacy_prefix(struct insn *insn, uint8_t byte)
{
    const uint8_t repeats = INSN_PREFIX_REP | INSN_PREFIX_REPNE;

    switch (byte) {
    case 0x26: override_segment(insn, INSN_ES); return true;
    case 0x2E: override_segment(insn, INSN_CS); return true;
    case 0x36: override_segment(insn, INSN_SS); return true;
    case 0x3E: override_segment(insn, INSN_DS); return true;
    case 0x64: override_segment(insn, INSN_FS); return true;
    case 0x65: override_segment(insn, INSN_GS); return true;
    case 0x66: insn->prefixes |= INSN_PREFIX_OPSIZE; return true;
    case 0x67: insn->prefixes |= INSN_PREFIX_ADDRSIZE; return true;
    case 0xF0: insn->prefixes |= INSN_PREFIX_LOCK; return true;
    case 0xF2: insn->prefixes = (uint8_t)((insn->prefixes & ~repeats) | INSN_PREFIX_REPNE); return true;
    case 0xF3: insn->prefixes = (uint8_t)((insn->prefixes & ~repeats) | INSN_PREFIX_REP); return true;
    default: return false;
    }
}

// Returns the first byte that is no prefix. A REX counts only when the opcode follows it (SDM 2A 2.2.1).
static uint8_t take_prefixes(struct insn *insn, struct cursor *cursor)
{
    for (;;) {
        uint8_t byte = next_byte(cursor);
        if (take_legacy_prefix(insn, byte))
            insn->rex = 0;
        else if (insn->bits == 64 && (byte & 0xF0) == 0x40)
            insn->rex = byte;
        else
            return byte;
    }
}

static void set_address_size(struct insn *insn)
{
    bool toggled = (insn->prefixes & INSN_PREFIX_ADDRSIZE) != 0;

    if (insn->bits == 64)
        insn->address_size = toggled ? 4 : 8;
    else
        insn->address_size = (insn->bits == 32) != toggled ? 4 : 2;
}

static uint8_t operand_size(const struct insn *insn, unsigned shape)
{
    bool toggled = (insn->prefixes & INSN_PREFIX_OPSIZE) != 0;

    if ((shape & SHAPE_BYTE) != 0)
        return 1;
    if (insn->bits != 64)
        return (insn->bits == 32) != toggled ? 4 : 2;
    if ((insn->rex & INSN_REX_W) != 0)
        return (shape & SHAPE_MAX32) != 0 ? 4 : 8;
    if ((shape & SHAPE_FORCE64) != 0)
        return 8;
    if (toggled)
        return 2;
    return (shape & SHAPE_DEFAULT64) != 0 ? 8 : 4;
}

// The bytes C4, C5, 62 and 8F open a VEX, EVEX or XOP prefix where the old instruction would be no instruction: always
// in 64-bit mode, elsewhere when its ModRM would name a register; 8F when what would be ModRM.reg is not zero.
static enum insn_encoding encoding_of(const struct insn *insn, const struct cursor *cursor, uint8_t first)
{
    // Where the second byte is missing, it is missed by whatever is chosen.
    uint8_t second = cursor->position < cursor->available ? cursor->bytes[cursor->position] : 0;
    bool free_to_reuse = insn->bits == 64 || second >= 0xC0;

    if (first == 0x8F)
        return (second & 0x1F) >= 8 ? INSN_XOP : INSN_LEGACY;
    if ((first == 0xC4 || first == 0xC5) && free_to_reuse)
        return INSN_VEX;
    return first == 0x62 && free_to_reuse ? INSN_EVEX : INSN_LEGACY;
}

static bool map_exists(enum insn_encoding encoding, unsigned map)
{
    if (encoding == INSN_XOP)
        return map >= 8 && map <= 10;
    if (encoding == INSN_EVEX && (map == 5 || map == 6)) // AVX512-FP16
        return true;
    return map >= INSN_MAP_0F && map <= INSN_MAP_0F3A;
}

// Takes VEX, EVEX or XOP and the opcode. R, X and B are stored inverted. A legacy 66, F2, F3, F0 or REX before them is
// #UD.
static void take_vector_prefix(struct insn *insn, struct cursor *cursor, uint8_t first)
{
    const uint8_t refused = INSN_PREFIX_OPSIZE | INSN_PREFIX_LOCK | INSN_PREFIX_REP | INSN_PREFIX_REPNE;
    unsigned map_bits = insn->encoding == INSN_EVEX ? 0x07 : 0x1F;
    uint8_t payload = next_byte(cursor), last = payload;

    if ((insn->prefixes & refused) != 0 || insn->rex != 0)
        invalid(cursor);
    insn->map = first == 0xC5 ? INSN_MAP_0F : (uint8_t)(payload & map_bits);
    if (first == 0xC5)
        payload |= INSN_REX_X << 5 | INSN_REX_B << 5;
    else
        last = next_byte(cursor);
    if (insn->encoding == INSN_EVEX) {
        if ((payload & 0x08) != 0 || (last & 0x04) == 0)
            invalid(cursor);
        next_byte(cursor);
    }
    if (insn->bits == 64)
        insn->rex = (uint8_t)((~(unsigned)payload >> 5) & (INSN_REX_R | INSN_REX_X | INSN_REX_B));
    if (first != 0xC5 && (last & 0x80) != 0)
        insn->rex |= INSN_REX_W;
    if (!map_exists(insn->encoding, insn->map))
        invalid(cursor);
    insn->opcode = next_byte(cursor);
}

static unsigned shape_of_vector(const struct insn *insn)
{
    uint8_t opcode = insn->opcode;

    switch (insn->map) {
    case INSN_MAP_0F:
        if (opcode == 0x77) // VZEROUPPER, VZEROALL
            return insn->encoding == INSN_VEX ? 0 : SHAPE_BAD;
        if ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xC2 || (opcode >= 0xC4 && opcode <= 0xC6))
            return SHAPE_MODRM | SHAPE_IMM8;
        return SHAPE_MODRM;
    case INSN_MAP_0F3A:
    case 8: return SHAPE_MODRM | SHAPE_IMM8;
    case 10: return SHAPE_MODRM | SHAPE_IMMZ;
    default: return SHAPE_MODRM;
    }
}

static unsigned shape_of_legacy(struct insn *insn, struct cursor *cursor, uint8_t first)
{
    if (first != 0x0F) {
        insn->opcode = first;
        return shape_one_byte[first];
    }
    insn->map = INSN_MAP_0F;
    insn->opcode = next_byte(cursor);
    if (insn->opcode == 0x38 || insn->opcode == 0x3A) {
        insn->map = insn->opcode == 0x38 ? INSN_MAP_0F38 : INSN_MAP_0F3A;
        insn->opcode = next_byte(cursor);
        return SHAPE_MODRM | (insn->map == INSN_MAP_0F3A ? SHAPE_IMM8 : 0u);
    }
    return shape_0f[insn->opcode];
}

// The opcodes whose operands depend on ModRM.reg or on a mandatory prefix.
static unsigned complete_shape(const struct insn *insn, unsigned shape)
{
    unsigned reg = (insn->modrm >> 3) & 7u;

    if (insn->encoding != INSN_LEGACY)
        return shape;
    if (insn->map == INSN_MAP_ONE_BYTE) {
        if (insn->opcode == 0xF6 && reg <= 1) // TEST
            return shape | SHAPE_IMM8;
        if (insn->opcode == 0xF7 && reg <= 1)
            return shape | SHAPE_IMMZ;
        if (insn->opcode == 0xFF && (reg == 2 || reg == 4)) // near CALL, JMP
            return shape | SHAPE_FORCE64;
        if (insn->opcode == 0xFF && reg == 6) // PUSH
            return shape | SHAPE_DEFAULT64;
    }
    // EXTRQ (66) and INSERTQ (F2) of SSE4A, two immediate bytes; without a prefix it is VMREAD.
    if (insn->map == INSN_MAP_0F && insn->opcode == 0x78 && (insn->prefixes & INSN_PREFIX_REP) == 0 &&
        (insn->prefixes & (INSN_PREFIX_OPSIZE | INSN_PREFIX_REPNE)) != 0)
        return shape | SHAPE_IMM16;
    return shape;
}

// 16-bit addressing: SDM 2A table 2-1. Returns the bytes of displacement.
static unsigned memory_16(struct insn *insn, unsigned mod, unsigned rm)
{
    enum { RBX = 3, RBP = 5, RSI = 6, RDI = 7 };
    static const int8_t bases[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
    static const int8_t indices[4] = { RSI, RDI, RSI, RDI };

    if (mod == 0 && rm == 6)
        return 2;
    insn->base = bases[rm];
    if (rm < 4)
        insn->index = indices[rm];
    return mod;
}

static void take_sib(struct insn *insn, struct cursor *cursor)
{
    insn->sib = next_byte(cursor);
    unsigned index = ((insn->sib >> 3) & 7u) | ((insn->rex & INSN_REX_X) != 0 ? 8u : 0u);

    insn->scale = (uint8_t)(1u << (insn->sib >> 6));
    if (index != 4)
        insn->index = (int8_t)index;
}

// 32- and 64-bit addressing: SDM 2A tables 2-2, 2-3 and 2.2.1.6. Returns the bytes of displacement.
static unsigned memory_32(struct insn *insn, struct cursor *cursor, unsigned mod, unsigned rm)
{
    unsigned base = rm;

    if (rm == 4) {
        take_sib(insn, cursor);
        base = insn->sib & 7u;
    }
    if (mod == 0 && base == 5) {
        insn->rip_relative = insn->bits == 64 && rm != 4;
        return 4;
    }
    insn->base = (int8_t)(base | ((insn->rex & INSN_REX_B) != 0 ? 8u : 0u));
    return mod == 2 ? 4 : mod;
}

static void take_modrm(struct insn *insn, struct cursor *cursor, unsigned shape)
{
    insn->has_modrm = true;
    insn->modrm = next_byte(cursor);
    unsigned mod = insn->modrm >> 6, rm = insn->modrm & 7u, displacement_size;

    if (mod == 3 || (shape & SHAPE_REGISTERS) != 0)
        return;
    insn->is_memory = true;
    if (insn->address_size == 2)
        displacement_size = memory_16(insn, mod, rm);
    else
        displacement_size = memory_32(insn, cursor, mod, rm);
    insn->displacement = (int64_t)next_signed(cursor, displacement_size);
    // rSP and rBP imply the stack segment; r12 and r13 do not.
    if ((insn->base == 4 || insn->base == 5) && !insn->segment_overridden)
        insn->segment = INSN_SS;
}

static void take_immediates(struct insn *insn, struct cursor *cursor, unsigned shape)
{
    unsigned z = insn->operand_size == 2 ? 2 : 4;

    if ((shape & SHAPE_MOFFS) != 0) {
        unsigned unused_bits = 64 - 8u * insn->address_size;
        insn->is_memory = true;
        insn->displacement = (int64_t)(next_signed(cursor, insn->address_size) << unused_bits >> unused_bits);
        return;
    }
    if ((shape & SHAPE_IMMV) != 0)
        insn->immediate_size = insn->operand_size;
    else if ((shape & (SHAPE_IMMZ | SHAPE_FAR)) != 0)
        insn->immediate_size = (uint8_t)z;
    else if ((shape & SHAPE_IMM16) != 0)
        insn->immediate_size = 2;
    else if ((shape & SHAPE_IMM8) != 0)
        insn->immediate_size = 1;
    insn->immediate = next_signed(cursor, insn->immediate_size);
    if ((shape & SHAPE_FAR) != 0)
        insn->immediate2 = (uint16_t)next_signed(cursor, 2);
    else if ((shape & SHAPE_IMM16) != 0 && (shape & SHAPE_IMM8) != 0)
        insn->immediate2 = (uint8_t)next_byte(cursor);
}

enum decode_result insn_decode(struct insn *out, const uint8_t *bytes, size_t available, unsigned bits)
{
    struct cursor cursor = { .bytes = bytes, .available = available, .failure = DECODE_OK };
    cursor.end = available < INSN_MAX_LENGTH ? available : INSN_MAX_LENGTH;
    unsigned shape;

    *out = (struct insn){ .bits = (uint8_t)bits, .segment = INSN_DS, .scale = 1 };
    out->base = out->index = INSN_NO_REGISTER;
    uint8_t first = take_prefixes(out, &cursor);
    set_address_size(out);
    out->encoding = encoding_of(out, &cursor, first);
    if (out->encoding != INSN_LEGACY) {
        take_vector_prefix(out, &cursor, first);
        shape = shape_of_vector(out);
    } else {
        shape = shape_of_legacy(out, &cursor, first);
    }
    if ((shape & SHAPE_BAD) != 0 || ((shape & SHAPE_NOT64) != 0 && bits == 64))
        invalid(&cursor);
    if ((shape & SHAPE_MODRM) != 0)
        take_modrm(out, &cursor, shape);
    shape = complete_shape(out, shape);
    out->operand_size = operand_size(out, shape);
    take_immediates(out, &cursor, shape);
    out->length = (uint8_t)cursor.position;
    return cursor.failure;
}
