// SPDX-License-Identifier: MIT
// What emulate_begin() plans: direction, size and offset of each access compared with Zydis over a kernel's .text
// (ESCAPEMENT_KERNEL_TEXT) and random bytes in the three modes; and bytes and registers of any value, for the
// sanitizers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <Zydis/Zydis.h>

#include "arch/x86_64/insn/emulate.h"

#define RANDOM_STRINGS 300000u

struct tally {
    uint64_t memory, planned, differences;
};

static uint64_t random_64(void)
{
    static uint64_t seed = 0xA0761D6478BD642F; // splitmix64
    uint64_t z = seed += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

static void randomise(struct emulate_regs *regs, unsigned bits)
{
    for (unsigned reg = 0; reg < 16; reg++)
        regs->gpr[reg] = random_64();
    regs->gpr[1] |= 1; // no count of zero
    regs->rflags = random_64() & (RFLAGS_ARITHMETIC | RFLAGS_DF);
    regs->rip = random_64() & (bits == 64 ? UINT64_MAX : UINT32_MAX);
}

static void to_zydis(ZydisRegisterContext *context, const struct emulate_regs *regs)
{
    memset(context, 0, sizeof(*context));
    for (unsigned reg = 0; reg < 16; reg++) {
        context->values[ZYDIS_REGISTER_RAX + reg] = regs->gpr[reg];
        context->values[ZYDIS_REGISTER_EAX + reg] = (uint32_t)regs->gpr[reg];
        context->values[ZYDIS_REGISTER_AX + reg] = (uint16_t)regs->gpr[reg];
    }
}

static bool is_stack_pointer(ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_RSP || reg == ZYDIS_REGISTER_ESP || reg == ZYDIS_REGISTER_SP;
}

static bool is_target_pointer(ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_RDI || reg == ZYDIS_REGISTER_EDI || reg == ZYDIS_REGISTER_DI;
}

// What a push or a pop implies; of a 67h prefix, which Zydis applies to it, the CPU takes no notice there.
static uint64_t implied_offset(const struct mmio_plan *plan, const struct emulate_regs *regs)
{
    uint64_t moved = plan->stack_delta < 0 ? (uint64_t)plan->stack_delta : 0;
    return (regs->gpr[plan->rare == RARE_LEAVE ? 5 : 4] + moved) & alu_mask(plan->stack_bytes);
}

static const char *operand_difference(const struct mmio_plan *plan, const struct insn *insn,
                                      const ZydisDecodedInstruction *whole, const ZydisDecodedOperand *theirs,
                                      const struct emulate_regs *regs)
{
    bool reads = (theirs->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
    bool second = plan->kind == MMIO_COMPARE && is_target_pointer(theirs->mem.base);
    const struct mmio_operand *ours = reads && !second ? &plan->read : &plan->write;
    ZydisRegisterContext context;
    ZyanU64 address;

    if (theirs->size != 8u * plan->size)
        return "size";
    bool notrack = mmio_plan_jumps(plan) && ours->segment == INSN_DS; // what Zydis takes 3E for there
    if (!notrack && (unsigned)ours->segment != theirs->mem.segment - ZYDIS_REGISTER_ES)
        return "segment";
    if (plan->operation >= ALU_BT && plan->operation <= ALU_BTC && insn->immediate_size == 0)
        return NULL; // Zydis leaves out the bit number in the register
    if (theirs->mem.base == ZYDIS_REGISTER_R13D && whole->raw.modrm.mod == 0)
        return NULL; // wrong in Zydis: R13D_WITHOUT_DISPLACEMENT in test_decode.c
    if (plan->stack_delta != 0 && theirs->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
        return ours->offset != implied_offset(plan, regs) ? "stack" : NULL;
    to_zydis(&context, regs);
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(whole, theirs, regs->rip, &context, &address)))
        return "no address";
    if (plan->stack_delta > 0 && is_stack_pointer(theirs->mem.base)) // a pop's own operand: by rSP after it, SDM 2, POP
        address += (uint64_t)plan->stack_delta;
    return ours->offset != (address & alu_mask(insn->address_size)) ? "offset" : NULL;
}

static const char *difference(const struct mmio_plan *plan, const struct insn *insn,
                              const ZydisDecodedInstruction *whole, const ZydisDecodedOperand *operands,
                              const struct emulate_regs *regs)
{
    bool reads = false, writes = false;
    const char *found = NULL;

    for (unsigned i = 0; i < whole->operand_count && found == NULL; i++) {
        if (operands[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        reads |= (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
        writes |= (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
        found = operand_difference(plan, insn, whole, &operands[i], regs);
    }
    if (found == NULL && (reads != mmio_plan_reads(plan) || writes != mmio_plan_writes(plan)))
        found = "direction";
    return found;
}

static bool accesses_memory(const ZydisDecodedInstruction *whole, const ZydisDecodedOperand *operands)
{
    for (unsigned i = 0; i < whole->operand_count_visible; i++)
        if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && operands[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
            return true;
    return false;
}

// Returns the length by Zydis, or 1 where it refuses the bytes.
static unsigned compare(struct tally *tally, const ZydisDecoder *decoder, const uint8_t *bytes, unsigned bits)
{
    ZydisDecodedInstruction whole;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    struct insn insn;
    struct mmio_plan plan;
    struct emulate_regs regs;

    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, INSN_MAX_LENGTH, &whole, operands)))
        return 1;
    randomise(&regs, bits);
    tally->memory += accesses_memory(&whole, operands);
    if (insn_decode(&insn, bytes, INSN_MAX_LENGTH, bits) != DECODE_OK ||
        emulate_begin(&plan, &insn, &regs, bits / 8) != EMULATE_OK)
        return whole.length;
    tally->planned++;
    const char *found = difference(&plan, &insn, &whole, operands, &regs);
    if (found != NULL && tally->differences++ < 20) {
        print_message("# %u-bit %s: %s", bits, found, ZydisMnemonicGetString(whole.mnemonic));
        for (unsigned i = 0; i < whole.length; i++)
            print_message(" %02x", bytes[i]);
        print_message("\n");
    }
    return whole.length;
}

static void print_tally(const char *what, const struct tally *tally)
{
    print_message("# %s: %llu instructions with an operand in memory, %llu emulated, %llu plans differ\n", what,
                  (unsigned long long)tally->memory, (unsigned long long)tally->planned,
                  (unsigned long long)tally->differences);
}

static void test_kernel_text(void **state)
{
    const char *path = getenv("ESCAPEMENT_KERNEL_TEXT");
    uint8_t bytes[INSN_MAX_LENGTH];
    struct tally tally = { 0 };
    ZydisDecoder decoder;

    (void)state;
    if (path == NULL) {
        print_message("# skipped: ESCAPEMENT_KERNEL_TEXT names no kernel .text\n");
        skip();
    }
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    size_t have = fread(bytes, 1, sizeof(bytes), file);
    while (have == sizeof(bytes)) { // the last few instructions of the text are not looked at
        unsigned length = compare(&tally, &decoder, bytes, 64);
        memmove(bytes, bytes + length, sizeof(bytes) - length);
        have = sizeof(bytes) - length + fread(bytes + sizeof(bytes) - length, 1, length, file);
    }
    assert_int_equal(fclose(file), 0);
    print_tally("kernel .text", &tally);
    assert_true(tally.planned > 0);
    assert_int_equal(tally.differences, 0);
}

static void random_string(uint8_t *bytes)
{
    static const uint8_t leads[] = { 0x0F, 0x66, 0xF3, 0x67, 0x48, 0x41, 0x64, 0x36 };
    uint64_t words[2] = { random_64(), random_64() }, choice = random_64();
    unsigned count = (unsigned)choice % 4;

    memcpy(bytes, words, sizeof(words));
    for (unsigned i = 0; i < count; i++)
        bytes[i] = leads[(choice >> (8 + 8 * i)) % sizeof(leads)];
}

static void test_random(void **state)
{
    static const struct {
        unsigned bits;
        ZydisMachineMode mode;
        ZydisStackWidth width;
        const char *name;
    } modes[] = {
        { 64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64, "random, 64-bit" },
        { 32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32, "random, 32-bit" },
        { 16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16, "random, 16-bit" },
    };
    uint64_t differences = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct tally tally = { 0 };
        ZydisDecoder decoder;
        assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, modes[i].mode, modes[i].width)));
        for (unsigned n = 0; n < RANDOM_STRINGS; n++) {
            uint8_t bytes[16];
            random_string(bytes);
            (void)compare(&tally, &decoder, bytes, modes[i].bits);
        }
        print_tally(modes[i].name, &tally);
        differences += tally.differences;
    }
    assert_int_equal(differences, 0);
}

// Anything the decoder takes, whether or not a CPU would, with any registers: the plan keeps its promises.
static void test_any_value(void **state)
{
    const unsigned modes[] = { 64, 32, 16 };

    (void)state;
    for (unsigned n = 0; n < RANDOM_STRINGS; n++) {
        uint8_t bytes[16];
        struct insn insn;
        struct mmio_plan plan;
        struct emulate_regs regs;
        random_string(bytes);
        randomise(&regs, 64);
        if (insn_decode(&insn, bytes, INSN_MAX_LENGTH, modes[n % 3]) != DECODE_OK ||
            emulate_begin(&plan, &insn, &regs, modes[n % 3] / 8) != EMULATE_OK)
            continue;
        bool two_words = plan.size == 16 && plan.rare == RARE_CMPXCHG8B;
        assert_true(plan.size == 1 || plan.size == 2 || plan.size == 4 || plan.size == 8 || two_words);
        bool by_stack = plan.stack_delta != 0 && plan.stack_bytes > insn.address_size;
        uint64_t mask = alu_mask(by_stack ? plan.stack_bytes : insn.address_size);
        assert_int_equal(plan.read.offset & ~mask, 0);
        assert_int_equal(plan.write.offset & ~mask, 0);
        emulate_finish(&plan, &insn, &regs, random_64());
        if (mmio_plan_writes(&plan))
            assert_int_equal(plan.write_value & ~alu_mask(plan.size), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_text),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_any_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
