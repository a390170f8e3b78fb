// SPDX-License-Identifier: MIT
// Instructions that drivers hardly ever use on device registers: rotations through carry, double shifts, bit scans,
// multiplications, divisions, CMPXCHG8B and CMPXCHG16B. Part of emulate.c, which calls it; compiled for size.
#include "arch/x86_64/insn/plan.h"

typedef unsigned __int128 uint128_t;
typedef __int128 int128_t;

static bool plan(struct mmio_plan *plan, enum rare_operation rare, enum mmio_kind kind, uint64_t source)
{
    plan->rare = rare;
    return plan_from_value(plan, ALU_MOVE, kind, source);
}

static bool plan_product(struct mmio_plan *out, const struct insn *insn, uint64_t factor)
{
    out->reg = (uint8_t)insn_reg(insn);
    return plan(out, RARE_PRODUCT, MMIO_READ, factor);
}

static bool plan_scan(struct mmio_plan *out, const struct insn *insn)
{
    out->reg = (uint8_t)insn_reg(insn);
    return (insn->prefixes & INSN_PREFIX_REP) == 0 && // TZCNT, LZCNT
           plan(out, insn->opcode == 0xBC ? RARE_SCAN_FORWARD : RARE_SCAN_REVERSE, MMIO_READ, 0);
}

static bool plan_double_shift(struct mmio_plan *out, const struct insn *insn, const struct emulate_regs *regs)
{
    uint64_t second = read_register(insn, regs, insn_reg(insn), insn->operand_size);
    return plan(out, insn->opcode < 0xA8 ? RARE_SHLD : RARE_SHRD, MMIO_READ_WRITE, second);
}

static bool plan_compare_exchange(struct mmio_plan *out, const struct insn *insn)
{
    if (insn_extension(insn) != 1 || (insn->prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE)) != 0)
        return false;
    out->size = (insn->rex & INSN_REX_W) != 0 ? 16 : 8;
    return plan(out, RARE_CMPXCHG8B, MMIO_READ_WRITE, 0);
}

static bool plan_rotation(struct mmio_plan *out, const struct insn *insn, uint64_t count)
{
    unsigned group = insn_extension(insn);
    return (group == 2 || group == 3) && plan(out, group == 2 ? RARE_RCL : RARE_RCR, MMIO_READ_WRITE, count);
}

static bool plan_rare_0f(struct mmio_plan *out, const struct insn *insn, const struct emulate_regs *regs)
{
    switch (insn->opcode) {
    case 0xA4:
    case 0xA5:
    case 0xAC:
    case 0xAD: return plan_double_shift(out, insn, regs);
    case 0xAF: return plan_product(out, insn, read_register(insn, regs, insn_reg(insn), insn->operand_size));
    case 0xBC:
    case 0xBD: return plan_scan(out, insn);
    case 0xC7: return plan_compare_exchange(out, insn);
    default: return false;
    }
}

bool plan_rare(struct mmio_plan *out, const struct insn *insn, const struct emulate_regs *regs)
{
    unsigned group = insn_extension(insn);

    if (insn->map != INSN_MAP_ONE_BYTE)
        return plan_rare_0f(out, insn, regs);
    switch (insn->opcode) {
    case 0x69:
    case 0x6B: return plan_product(out, insn, insn->immediate);
    case 0xC0:
    case 0xC1: return plan_rotation(out, insn, insn->immediate);
    case 0xD0:
    case 0xD1: return plan_rotation(out, insn, 1);
    case 0xD2:
    case 0xD3: return plan_rotation(out, insn, regs->gpr[RCX]);
    case 0xF6:
    case 0xF7: return group >= 4 && plan(out, (enum rare_operation)(RARE_MUL + group - 4), MMIO_READ, 0);
    default: return false;
    }
}

static void set_flags(struct emulate_regs *regs, uint64_t flags, bool on)
{
    regs->rflags = on ? regs->rflags | flags : regs->rflags & ~flags;
}

static bool bit(uint64_t value, unsigned number)
{
    return (value >> number & 1) != 0;
}

// A turn of the operand and CF for each of the count's, which is taken modulo 32 or 64.
static uint64_t rotate_carry(const struct mmio_plan *plan, struct emulate_regs *regs, uint64_t value)
{
    unsigned top = 8u * plan->size - 1, count = (unsigned)plan->source & (plan->size == 8 ? 63u : 31u);
    bool left = plan->rare == RARE_RCL, carry = (regs->rflags & RFLAGS_CF) != 0;

    if (count == 0)
        return value;
    for (; count != 0; count--) {
        bool out = bit(value, left ? top : 0);
        value = left ? (value << 1 | carry) & alu_mask(plan->size) : value >> 1 | (uint64_t)carry << top;
        carry = out;
    }
    set_flags(regs, RFLAGS_CF, carry);
    set_flags(regs, RFLAGS_OF, bit(value, top) != (left ? carry : bit(value, top - 1)));
    return value;
}

// The bits that come in are the other operand's. A 2-byte operand may be shifted by more than it has, with a result
// that the manual leaves open.
static uint64_t double_shift(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                             uint64_t value)
{
    uint64_t by = bit(insn->opcode, 0) ? regs->gpr[RCX] : insn->immediate;
    unsigned width = 8u * plan->size, count = (unsigned)by & (plan->size == 8 ? 63u : 31u);
    bool left = plan->rare == RARE_SHLD;
    uint64_t flags = 0, result;

    if (count == 0 || count > width)
        return value;
    result = left ? value << count | plan->source >> (width - count) : value >> count | plan->source << (width - count);
    result &= alu_mask(plan->size);
    (void)alu_execute(ALU_TEST, result, result, plan->size, &flags); // SF, ZF, PF
    set_flags(regs, RFLAGS_ARITHMETIC & ~RFLAGS_AF, false);
    regs->rflags |= flags;
    set_flags(regs, RFLAGS_CF, bit(value, left ? width - count : count - 1));
    set_flags(regs, RFLAGS_OF, bit(value, width - 1) != bit(result, width - 1));
    return result;
}

// Of zero there is no first bit, and the register stays as it is.
static void scan(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs, uint64_t value)
{
    set_flags(regs, RFLAGS_ZF, value == 0);
    if (value == 0)
        return;
    int number = plan->rare == RARE_SCAN_FORWARD ? __builtin_ctzll(value) : 63 - __builtin_clzll(value);
    write_register(insn, regs, plan->reg, plan->register_size, (uint64_t)number);
}

// The halves of a product or a dividend: AH and AL, else rDX and rAX.
static uint128_t read_pair(const struct insn *insn, const struct emulate_regs *regs, unsigned size)
{
    if (size == 1)
        return regs->gpr[RAX] & UINT16_MAX;
    return (uint128_t)read_register(insn, regs, RDX, size) << (8 * size) | read_register(insn, regs, RAX, size);
}

static void write_pair(const struct insn *insn, struct emulate_regs *regs, unsigned size, uint64_t high, uint64_t low)
{
    if (size == 1) {
        write_register(insn, regs, RAX, 2, (high << 8 & 0xFF00) | (low & 0xFF));
    } else {
        write_register(insn, regs, RDX, size, high);
        write_register(insn, regs, RAX, size, low);
    }
}

static int128_t signed_product(uint64_t a, uint64_t b, unsigned size)
{
    return (int128_t)(int64_t)alu_sign_extend(a, size) * (int64_t)alu_sign_extend(b, size);
}

// CF and OF say that the lower half is not the whole product.
static void multiply(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs, uint64_t value)
{
    unsigned size = plan->size;
    bool is_signed = plan->rare != RARE_MUL;
    uint64_t factor = plan->rare == RARE_PRODUCT ? plan->source : regs->gpr[RAX] & alu_mask(size);
    uint128_t product = is_signed ? (uint128_t)signed_product(factor, value, size) : (uint128_t)factor * value;
    uint64_t low = (uint64_t)product & alu_mask(size);
    uint128_t fits = is_signed ? (uint128_t)(int128_t)(int64_t)alu_sign_extend(low, size) : low;

    set_flags(regs, RFLAGS_CF | RFLAGS_OF, fits != product);
    if (plan->rare == RARE_PRODUCT)
        write_register(insn, regs, plan->reg, plan->register_size, low);
    else
        write_pair(insn, regs, size, (uint64_t)(product >> (8 * size)), low);
}

static uint128_t magnitude(uint128_t value, bool negative)
{
    return negative ? -value : value;
}

// By magnitudes; a quotient rounds towards zero, and the remainder has the dividend's sign. False: #DE, and nothing is
// changed.
static bool divide(const struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs, uint64_t value)
{
    unsigned size = plan->size, width = 8 * size;
    bool is_signed = plan->rare == RARE_IDIV, negative = is_signed && bit(value, width - 1);
    uint128_t dividend = read_pair(insn, regs, size);
    bool below_zero = is_signed && (dividend >> (2 * width - 1) & 1) != 0;
    if (below_zero)
        dividend |= ~(uint128_t)0 << (2 * width - 1);
    dividend = magnitude(dividend, below_zero);
    uint64_t divisor = (uint64_t)magnitude(alu_sign_extend(value, size), negative) & alu_mask(size);
    if (!is_signed)
        divisor = value;
    if (divisor == 0)
        return false;
    uint128_t quotient = dividend / divisor, remainder = dividend - quotient * divisor;
    uint64_t most = is_signed ? (alu_mask(size) >> 1) + (below_zero != negative) : alu_mask(size);
    if (quotient > most)
        return false;
    write_pair(insn, regs, size, (uint64_t)magnitude(remainder, below_zero),
               (uint64_t)magnitude(quotient, below_zero != negative));
    return true;
}

// Of 8 bytes, or with REX.W of 16. Both ways memory is written: with what it held, if they differ.
static void compare_exchange(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs, uint64_t low,
                             uint64_t high)
{
    unsigned half = plan->size / 2;
    if (half == 4) {
        high = low >> 32;
        low = (uint32_t)low;
    }
    bool equal = read_register(insn, regs, RAX, half) == low && read_register(insn, regs, RDX, half) == high;
    set_flags(regs, RFLAGS_ZF, equal);
    if (equal) {
        low = read_register(insn, regs, RBX, half);
        high = read_register(insn, regs, RCX, half);
    } else {
        write_pair(insn, regs, half, high, low);
    }
    plan->write_value = half == 4 ? high << 32 | low : low;
    plan->high = high;
}

enum emulate_result finish_rare(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                uint64_t memory)
{
    switch (plan->rare) {
    case RARE_RCL:
    case RARE_RCR: plan->write_value = rotate_carry(plan, regs, memory); break;
    case RARE_SHLD:
    case RARE_SHRD: plan->write_value = double_shift(plan, insn, regs, memory); break;
    case RARE_SCAN_FORWARD:
    case RARE_SCAN_REVERSE: scan(plan, insn, regs, memory); break;
    case RARE_PRODUCT:
    case RARE_MUL:
    case RARE_IMUL: multiply(plan, insn, regs, memory); break;
    case RARE_DIV:
    case RARE_IDIV:
        if (!divide(plan, insn, regs, memory))
            return EMULATE_DIVIDE_ERROR;
        break;
    case RARE_CMPXCHG8B: compare_exchange(plan, insn, regs, memory, plan->high); break;
    case RARE_JUMP:
    case RARE_CALL:
    case RARE_RETURN:
    case RARE_ENTER:
    case RARE_LEAVE: return finish_branch(plan, insn, regs, memory);
    case RARE_NONE: break;
    }
    regs->rip = next_rip(insn, regs);
    return EMULATE_OK;
}
