// SPDX-License-Identifier: MIT
// The arithmetic of x86's general-purpose instructions, with its flags (SDM 2, each instruction's "Flags Affected").
//
// Called by emulate.c for instructions on device registers. Owns no state.
#include "arch/x86_64/insn/alu.h"

static bool top_bit(uint64_t value, unsigned size)
{
    return ((value >> (8 * size - 1)) & 1) != 0;
}

uint64_t alu_sign_extend(uint64_t value, unsigned size)
{
    uint64_t mask = alu_mask(size);
    return top_bit(value, size) ? value | ~mask : value & mask;
}

static void set_flag(uint64_t *rflags, uint64_t flag, bool on)
{
    *rflags = on ? *rflags | flag : *rflags & ~flag;
}

static bool even_parity(uint64_t value)
{
    unsigned byte = (unsigned)(value & 0xFF);

    byte ^= byte >> 4;
    byte ^= byte >> 2;
    byte ^= byte >> 1;
    return (byte & 1) == 0;
}

static void set_result_flags(uint64_t result, unsigned size, uint64_t *rflags)
{
    set_flag(rflags, RFLAGS_ZF, (result & alu_mask(size)) == 0);
    set_flag(rflags, RFLAGS_SF, top_bit(result, size));
    set_flag(rflags, RFLAGS_PF, even_parity(result));
}

// Carries out of each bit: where both operands have it, or one has it and the sum lost it.
static uint64_t add(uint64_t a, uint64_t b, bool carry, unsigned size, uint64_t *rflags)
{
    uint64_t sum = a + b + carry;
    uint64_t carries = (a & b) | ((a | b) & ~sum);

    set_flag(rflags, RFLAGS_CF, top_bit(carries, size));
    set_flag(rflags, RFLAGS_AF, (carries & 0x8) != 0);
    set_flag(rflags, RFLAGS_OF, top_bit((a ^ sum) & (b ^ sum), size));
    set_result_flags(sum, size, rflags);
    return sum & alu_mask(size);
}

static uint64_t subtract(uint64_t a, uint64_t b, bool borrow, unsigned size, uint64_t *rflags)
{
    uint64_t difference = a - b - borrow;
    uint64_t borrows = (~a & b) | (~(a ^ b) & difference);

    set_flag(rflags, RFLAGS_CF, top_bit(borrows, size));
    set_flag(rflags, RFLAGS_AF, (borrows & 0x8) != 0);
    set_flag(rflags, RFLAGS_OF, top_bit((a ^ b) & (a ^ difference), size));
    set_result_flags(difference, size, rflags);
    return difference & alu_mask(size);
}

static uint64_t logic(uint64_t result, unsigned size, uint64_t *rflags)
{
    *rflags &= ~(uint64_t)(RFLAGS_CF | RFLAGS_OF | RFLAGS_AF);
    set_result_flags(result, size, rflags);
    return result & alu_mask(size);
}

// INC and DEC leave CF alone.
static uint64_t step(uint64_t a, bool up, unsigned size, uint64_t *rflags)
{
    uint64_t carry = *rflags & RFLAGS_CF;
    uint64_t result = up ? add(a, 1, false, size, rflags) : subtract(a, 1, false, size, rflags);

    *rflags = (*rflags & ~(uint64_t)RFLAGS_CF) | carry;
    return result;
}

static uint64_t rotate(enum alu_operation operation, uint64_t a, unsigned count, unsigned size, uint64_t *rflags)
{
    unsigned width = 8 * size, left = operation == ALU_ROL ? count % width : (width - count % width) % width;
    uint64_t result = a;

    if (left != 0)
        result = ((a << left) | (a >> (width - left))) & alu_mask(size);
    bool top = top_bit(result, size), carry = operation == ALU_ROL ? (result & 1) != 0 : top;
    set_flag(rflags, RFLAGS_CF, carry);
    set_flag(rflags, RFLAGS_OF, top != (operation == ALU_ROL ? carry : ((result >> (width - 2)) & 1) != 0));
    return result;
}

static uint64_t shift_left(uint64_t a, unsigned count, unsigned size, uint64_t *rflags)
{
    unsigned width = 8 * size;
    uint64_t result = logic(a << count, size, rflags);
    bool carry = count <= width && ((a >> (width - count)) & 1) != 0;

    set_flag(rflags, RFLAGS_CF, carry);
    set_flag(rflags, RFLAGS_OF, carry != top_bit(result, size));
    return result;
}

// `a` comes extended to 64 bits: with zeros for SHR, with its sign for SAR.
static uint64_t shift_right(uint64_t a, bool sign, unsigned count, unsigned size, uint64_t *rflags)
{
    uint64_t fill = sign ? ~(UINT64_MAX >> count) : 0;
    uint64_t result = logic((a >> count) | fill, size, rflags);

    set_flag(rflags, RFLAGS_CF, ((a >> (count - 1)) & 1) != 0);
    set_flag(rflags, RFLAGS_OF, top_bit(result << 1, size) != top_bit(result, size));
    return result;
}

// The count is taken modulo 32, or 64 for 8-byte operands; when that is zero no flag changes.
static uint64_t shift(enum alu_operation operation, uint64_t a, uint64_t b, unsigned size, uint64_t *rflags)
{
    unsigned count = (unsigned)b & (size == 8 ? 63u : 31u);

    if (count == 0)
        return a;
    if (operation == ALU_ROL || operation == ALU_ROR)
        return rotate(operation, a, count, size, rflags);
    if (operation == ALU_SHL)
        return shift_left(a, count, size, rflags);
    if (operation == ALU_SAR)
        return shift_right(alu_sign_extend(a, size), top_bit(a, size), count, size, rflags);
    return shift_right(a, false, count, size, rflags);
}

static uint64_t test_bit(enum alu_operation operation, uint64_t a, uint64_t b, unsigned size, uint64_t *rflags)
{
    uint64_t bit = UINT64_C(1) << (b % (8 * size));

    set_flag(rflags, RFLAGS_CF, (a & bit) != 0);
    if (operation == ALU_BTS)
        return a | bit;
    if (operation == ALU_BTR)
        return a & ~bit;
    return operation == ALU_BTC ? a ^ bit : a;
}

static uint64_t swap_bytes(uint64_t value, unsigned size)
{
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

uint64_t alu_execute(enum alu_operation operation, uint64_t a, uint64_t b, unsigned size, uint64_t *rflags)
{
    bool carry = (*rflags & RFLAGS_CF) != 0;

    a &= alu_mask(size);
    b &= alu_mask(size);
    switch (operation) {
    case ALU_ADD:
    case ALU_EXCHANGE_ADD: return add(a, b, false, size, rflags);
    case ALU_ADC: return add(a, b, carry, size, rflags);
    case ALU_SUB:
    case ALU_CMP:
    case ALU_EXCHANGE_EQUAL: return subtract(a, b, false, size, rflags);
    case ALU_SBB: return subtract(a, b, carry, size, rflags);
    case ALU_OR: return logic(a | b, size, rflags);
    case ALU_AND:
    case ALU_TEST: return logic(a & b, size, rflags);
    case ALU_XOR: return logic(a ^ b, size, rflags);
    case ALU_NOT: return ~a & alu_mask(size);
    case ALU_NEG: return subtract(0, a, false, size, rflags);
    case ALU_INC: return step(a, true, size, rflags);
    case ALU_DEC: return step(a, false, size, rflags);
    case ALU_ROL:
    case ALU_ROR:
    case ALU_SHL:
    case ALU_SHR:
    case ALU_SAR: return shift(operation, a, b, size, rflags);
    case ALU_BT:
    case ALU_BTS:
    case ALU_BTR:
    case ALU_BTC: return test_bit(operation, a, b, size, rflags);
    case ALU_MOVE_SIGNED: return alu_sign_extend(b, size);
    case ALU_MOVE_SWAPPED: return swap_bytes(b, size);
    case ALU_MOVE:
    case ALU_MOVE_IF:
    case ALU_EXCHANGE: break;
    }
    return b;
}

bool alu_condition(unsigned code, uint64_t rflags)
{
    bool carry = (rflags & RFLAGS_CF) != 0, zero = (rflags & RFLAGS_ZF) != 0, sign = (rflags & RFLAGS_SF) != 0;
    bool overflow = (rflags & RFLAGS_OF) != 0, parity = (rflags & RFLAGS_PF) != 0;
    const bool conditions[8] = {
        overflow, carry, zero, carry || zero, sign, parity, sign != overflow, zero || sign != overflow
    };

    return conditions[(code >> 1) & 7] != ((code & 1) != 0);
}
