// SPDX-License-Identifier: MIT
// Which registers and which address an A64 load or store names: see loadstore.h. The tables are those of Arm ARM
// C4.1.95, each function one of them. What is not allocated there, prefetches, ordered accesses of one register (the
// syndrome describes them) and structures of single lanes are LOAD_STORE_OTHER. Pure.
#include "arch/arm64/insn/loadstore.h"

#define DC_ZVA     UINT32_C(0xd50b7420)
#define LDAPR      UINT32_C(0x38a0c000) // among the atomics, but a load like LDAR
#define LDAPR_BITS UINT32_C(0x3fe0fc00)

static unsigned bits(uint32_t word, unsigned low, unsigned count)
{
    return word >> low & ((1u << count) - 1);
}

static int64_t signed_bits(uint32_t word, unsigned low, unsigned count)
{
    return (int32_t)(word << (32 - low - count)) >> (32 - count);
}

static enum load_store_kind plain_if(bool allocated)
{
    return allocated ? LOAD_STORE_PLAIN : LOAD_STORE_OTHER;
}

// Bits 31:30 of literals and pairs: S, D, Q.
static bool size_of_vector(uint32_t word, struct load_store *out)
{
    out->size = (uint8_t)(4u << bits(word, 30, 2));
    return out->size <= 16;
}

// And compare-and-swap; the ordered accesses among them are those with o2 set and o1 clear.
static enum load_store_kind decode_exclusive(uint32_t word)
{
    bool is_ordered = bits(word, 23, 1) != 0 && bits(word, 21, 1) == 0;
    return is_ordered ? LOAD_STORE_OTHER : LOAD_STORE_ATOMIC;
}

// Bits 15 to 12 say how many registers; those of LD2 to LD4 interleave. The post-index forms add a register or, as 31,
// what was accessed.
static enum load_store_kind decode_structure(uint32_t word, struct load_store *out)
{
    static const uint8_t counts[16] = { [0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2 };
    unsigned opcode = bits(word, 12, 4), rm = bits(word, 16, 5);
    out->is_structure = true;
    out->interleaves = opcode == 0 || opcode == 4 || opcode == 8;
    out->is_load = bits(word, 22, 1) != 0;
    out->is_post = out->writes_back = bits(word, 23, 1) != 0;
    out->count = counts[opcode];
    out->size = bits(word, 30, 1) != 0 ? 16 : 8;
    out->element = (uint8_t)(1u << bits(word, 10, 2));
    out->offset = out->writes_back ? out->size * out->count : 0;
    if (out->writes_back && rm != 31)
        out->rm = (uint8_t)rm, out->extend = 3;
    for (unsigned i = 1; i < 4; i++)
        out->rt[i] = (uint8_t)((out->rt[0] + i) % 32);
    bool reserved = bits(word, 31, 1) != 0 || bits(word, 21, 1) != 0 || (!out->writes_back && rm != 0);
    return plain_if(out->count != 0 && !reserved && !(out->interleaves && out->size == out->element));
}

static enum load_store_kind decode_literal(uint32_t word, struct load_store *out)
{
    unsigned opc = bits(word, 30, 2);
    out->is_load = out->is_literal = true;
    out->offset = signed_bits(word, 5, 19) * 4;
    if (out->is_vector)
        return plain_if(size_of_vector(word, out));
    out->size = opc == 1 ? 8 : 4;
    out->sign_extends = opc == 2 ? 8 : 0;
    return plain_if(opc != 3); // a prefetch
}

static enum load_store_kind decode_pair(uint32_t word, struct load_store *out)
{
    unsigned opc = bits(word, 30, 2), form = bits(word, 23, 2); // without allocation, post-index, offset, pre-index
    bool is_signed = !out->is_vector && opc == 1;
    out->is_load = bits(word, 22, 1) != 0;
    out->writes_back = (form & 1) != 0;
    out->is_post = form == 1;
    out->count = 2;
    out->size = opc == 2 ? 8 : 4;
    out->sign_extends = is_signed ? 8 : 0;
    if (out->is_vector && !size_of_vector(word, out))
        return LOAD_STORE_OTHER;
    out->offset = signed_bits(word, 15, 7) * out->size;
    return plain_if(opc != 3 && !(is_signed && (!out->is_load || form == 0)));
}

// Bits 31:30 are the size, 23:22 say load or store, and how it is extended; of vectors the upper one is a size, too.
static bool decode_width(uint32_t word, struct load_store *out)
{
    unsigned scale = bits(word, 30, 2), opc = bits(word, 22, 2);
    if (out->is_vector) {
        scale |= (opc & 2) << 1;
        out->is_load = (opc & 1) != 0;
        out->size = (uint8_t)(1u << scale);
        return scale <= 4;
    }
    out->is_load = opc != 0;
    out->size = (uint8_t)(1u << scale);
    out->sign_extends = opc < 2 ? 0 : opc == 2 ? 8 : 4;
    return opc < 2 || out->size < out->sign_extends;
}

static enum load_store_kind decode_offset_9(uint32_t word, struct load_store *out)
{
    unsigned form = bits(word, 10, 2); // unscaled, post-index, as EL0 would, pre-index
    out->offset = signed_bits(word, 12, 9);
    out->writes_back = (form & 1) != 0;
    out->is_post = form == 1;
    return plain_if(form != 2 || !out->is_vector);
}

static enum load_store_kind decode_index(uint32_t word, struct load_store *out)
{
    out->rm = (uint8_t)bits(word, 16, 5);
    out->extend = (uint8_t)bits(word, 13, 3);
    if (bits(word, 12, 1) != 0)
        out->shift = (uint8_t)__builtin_ctz(out->size);
    return plain_if((out->extend & 2) != 0);
}

static enum load_store_kind decode_single(uint32_t word, struct load_store *out)
{
    bool has_width = decode_width(word, out);
    if (bits(word, 24, 1) != 0) {
        out->offset = (int64_t)bits(word, 10, 12) * out->size;
        return plain_if(has_width);
    }
    if (bits(word, 21, 1) == 0)
        return has_width ? decode_offset_9(word, out) : LOAD_STORE_OTHER;
    if (bits(word, 10, 2) == 2)
        return has_width ? decode_index(word, out) : LOAD_STORE_OTHER;
    bool is_atomic = bits(word, 10, 2) == 0 && !out->is_vector && (word & LDAPR_BITS) != LDAPR;
    return is_atomic ? LOAD_STORE_ATOMIC : LOAD_STORE_OTHER;
}

static enum load_store_kind decode(uint32_t word, struct load_store *out)
{
    *out = (struct load_store){
        .is_vector = bits(word, 26, 1) != 0,
        .count = 1,
        .rt = { (uint8_t)bits(word, 0, 5), (uint8_t)bits(word, 10, 5) },
        .rn = (uint8_t)bits(word, 5, 5),
        .rm = NO_INDEX,
    };
    switch (bits(word, 28, 2)) {
    case 0:
        if (bits(word, 24, 1) != 0)
            return LOAD_STORE_OTHER;
        return out->is_vector ? decode_structure(word, out) : decode_exclusive(word);
    case 1: return bits(word, 24, 1) == 0 ? decode_literal(word, out) : LOAD_STORE_OTHER;
    case 2: return decode_pair(word, out);
    default: return decode_single(word, out);
    }
}

enum load_store_kind load_store_decode(uint32_t word, struct load_store *out)
{
    if ((word & ~UINT32_C(31)) == DC_ZVA)
        return LOAD_STORE_ZERO;
    if (bits(word, 27, 1) == 0 || bits(word, 25, 1) != 0)
        return LOAD_STORE_OTHER;
    enum load_store_kind kind = decode(word, out);
    if (!out->is_structure)
        out->element = out->size < 8 ? out->size : 8;
    return kind;
}

static uint64_t sign_extended(uint64_t value, unsigned size)
{
    unsigned unused = 64 - 8 * size;
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

uint64_t load_store_address(const struct load_store *insn, uint64_t base, uint64_t index)
{
    if (insn->is_post)
        return base;
    if (insn->rm == NO_INDEX)
        return base + (uint64_t)insn->offset;
    if ((insn->extend & 1) == 0)
        index = (insn->extend & 4) != 0 ? sign_extended(index, 4) : (uint32_t)index;
    return base + (index << insn->shift);
}

uint64_t load_store_base_after(const struct load_store *insn, uint64_t base, uint64_t index)
{
    return base + (insn->rm == NO_INDEX ? (uint64_t)insn->offset : index);
}

uint64_t load_store_extended(const struct load_store *insn, uint64_t value)
{
    if (insn->sign_extends == 0)
        return insn->size < 8 ? value & ((UINT64_C(1) << (8 * insn->size)) - 1) : value;
    value = sign_extended(value, insn->size);
    return insn->sign_extends == 4 ? (uint32_t)value : value;
}
