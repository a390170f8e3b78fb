// SPDX-License-Identifier: MIT
// Vector moves: each is executed by the CPU that this test runs on and by the emulator, with random registers, an x87
// stack of any depth, and random memory; all that FXSAVE64 shows and the memory must agree. Which encodings are taken,
// and their size and direction, is compared with Zydis.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <Zydis/Zydis.h>

#include "arch/x86_64/insn/vector.h"
#include "tools/tests/native/x86_64/native_x86.h"

#define ROUNDS 200u // of each encoding

static struct native_arena *arena;
static uint8_t model[NATIVE_MEMORY_SIZE];

static uint64_t random_64(void)
{
    static uint64_t seed = 0x8CB92BA72F3D8DD7; // splitmix64
    uint64_t z = seed += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

static void randomise(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)random_64();
}

// Any values, and any depth of the x87 stack; no exception of it is pending, and all are masked.
static void choose_state(void)
{
    struct fxsave_image *image = &arena->vector_in;

    for (unsigned i = 0; i < 8; i++) {
        image->st[i].low = random_64();
        image->st[i].high = (uint16_t)random_64();
    }
    randomise(image->xmm, sizeof(image->xmm));
    image->status = (uint16_t)((random_64() & 7) << 11);
    image->tags = (uint8_t)random_64();
    randomise(arena->memory + NATIVE_MEMORY_SIZE / 2 - 32, 64);
    memcpy(model, arena->memory, sizeof(model));
}

// [prefix] [REX] 0F [38] opcode, ModRM with [rbx] and reg.
static unsigned encode(uint8_t *bytes, unsigned map, unsigned opcode, unsigned prefix, unsigned rex, unsigned reg)
{
    static const uint8_t prefixes[4] = { 0, 0x66, 0xF3, 0xF2 };
    unsigned length = 0;

    if (prefix != 0)
        bytes[length++] = prefixes[prefix];
    if (rex != 0)
        bytes[length++] = (uint8_t)rex;
    bytes[length++] = 0x0F;
    if (map == 2)
        bytes[length++] = 0x38;
    bytes[length++] = (uint8_t)opcode;
    bytes[length++] = (uint8_t)((reg & 7) << 3 | 3);
    memset(bytes + length, 0x90, INSN_MAX_LENGTH - length);
    return length;
}

static bool begin(struct vector_move *move, const uint8_t *bytes, const struct emulate_regs *regs)
{
    struct insn insn;

    return insn_decode(&insn, bytes, INSN_MAX_LENGTH, 64) == DECODE_OK && vector_begin(move, &insn, regs);
}

// With `model` as the device.
static void emulate(const struct vector_move *move, struct fxsave_image *image)
{
    const struct mmio_operand *operand = move->plan.kind == MMIO_WRITE ? &move->plan.write : &move->plan.read;
    uint8_t *at = model + (operand->offset - (uint64_t)(uintptr_t)arena->memory), bytes[16];

    randomise(bytes, sizeof(bytes)); // what lies above the size must not matter
    if (move->plan.kind == MMIO_WRITE) {
        vector_store(move, image, bytes);
        memcpy(at, bytes, move->plan.size);
    } else {
        memcpy(bytes, at, move->plan.size);
        vector_load(move, image, bytes);
    }
}

static bool same_registers(const struct fxsave_image *ours, const struct fxsave_image *theirs)
{
    bool same = ours->status == theirs->status && ours->tags == theirs->tags && ours->control == theirs->control;

    for (unsigned i = 0; i < 8; i++)
        same &= ours->st[i].low == theirs->st[i].low && ours->st[i].high == theirs->st[i].high;
    return same && memcmp(ours->xmm, theirs->xmm, sizeof(ours->xmm)) == 0;
}

static bool check(const uint8_t *bytes, unsigned length)
{
    uint64_t target = (uint64_t)(uintptr_t)(arena->memory + NATIVE_MEMORY_SIZE / 2);
    struct native_code code = native_begin(arena);
    struct vector_move move;

    choose_state();
    for (unsigned i = 0; i < length; i++)
        native_emit(&code, 1, bytes[i]);
    native_finish(arena, &code);
    arena->in.rflags = 0x202;
    arena->in.gpr[3] = target;
    assert_true(begin(&move, bytes, &arena->in));
    if (!move.aligned)
        arena->in.gpr[3] += random_64() % 16;
    assert_true(begin(&move, bytes, &arena->in));
    struct fxsave_image ours = arena->vector_in;
    emulate(&move, &ours);
    assert_int_equal(native_run(arena, length), NATIVE_EXECUTED);
    if (same_registers(&ours, &arena->vector_out) && memcmp(model, arena->memory, sizeof(model)) == 0)
        return true;
    print_message("# differs: %02x %02x %02x %02x %02x, size %u\n", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                  move.plan.size);
    return false;
}

static bool zydis_agrees(const struct vector_move *move, const uint8_t *bytes, unsigned length)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction whole;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, INSN_MAX_LENGTH, &whole, operands)))
        return false;
    const ZydisDecodedOperand *memory = &operands[operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? 0 : 1];
    bool writes = memory == &operands[0];
    bool same = memory->type == ZYDIS_OPERAND_TYPE_MEMORY && memory->size == 8u * move->plan.size;
    return same && whole.length == length && writes == (move->plan.kind == MMIO_WRITE);
}

// Every opcode of the two maps with every mandatory prefix, with and without REX.W, for all sixteen registers.
static void test_against_this_cpu(void **state)
{
    unsigned taken = 0, disagreements = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * 256 * 4 * 2; i++) {
        unsigned opcode = i & 255, prefix = i >> 8 & 3, wide = i >> 10 & 1, map = 1 + (i >> 11);
        struct emulate_regs regs = { 0 };
        struct vector_move move;
        uint8_t bytes[INSN_MAX_LENGTH];
        unsigned length = encode(bytes, map, opcode, prefix, wide ? 0x48 : 0, 0);
        if (!begin(&move, bytes, &regs))
            continue;
        taken++;
        if (!zydis_agrees(&move, bytes, length)) {
            print_message("# Zydis: map %u, opcode %02x, prefix %u, wide %u\n", map, opcode, prefix, wide);
            disagreements++;
        }
        for (unsigned round = 0; round < ROUNDS && disagreements < 10; round++) {
            unsigned reg = (unsigned)random_64() & 15;
            length = encode(bytes, map, opcode, prefix, wide ? 0x48 | (reg >> 3) << 2 : reg >= 8 ? 0x44 : 0, reg);
            disagreements += !check(bytes, length);
        }
    }
    print_message("# %u encodings, each executed and emulated %u times, %u disagreements\n", taken, ROUNDS,
                  disagreements);
    assert_int_equal(taken, 2 * 38);
    assert_int_equal(disagreements, 0);
}

static void test_not_taken(void **state)
{
    static const char *const cases[] = {
        "\x0F\x28\xC1",     // MOVAPS of two registers
        "\xF0\x0F\x29\x01", // LOCK
        "\xF3\x0F\x28\x01", "\xF3\x0F\x12\x01", "\xF2\x0F\x12\x01", // #UD; MOVSLDUP, MOVDDUP
        "\xC5\xF8\x28\x01", "\xC5\xFE\x6F\x01",                     // VMOVAPS, VMOVDQU
        "\x0F\x58\x01",     "\x66\x0F\xEF\x01",                     // ADDPS, PXOR
        "\xF2\x0F\x2B\x01",                                         // MOVNTSD of SSE4A
    };
    struct emulate_regs regs = { 0 };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[INSN_MAX_LENGTH] = { 0 };
        struct vector_move move;
        memcpy(bytes, cases[i], strlen(cases[i]));
        if (begin(&move, bytes, &regs))
            fail_msg("case %u is taken", i);
    }
}

// SDM 2A 2.5: #UD by EM, or by OSFXSR for what names an XMM register; then #NM by TS; then #GP.
static void test_faults(void **state)
{
    const uint64_t em = 4, ts = 8, osfxsr = 0x200;
    struct vector_move sse = { .aligned = true }, unaligned = { 0 }, mmx = { .mmx = true };

    (void)state;
    assert_int_equal(vector_fault(&sse, 0, osfxsr, 0x1000), VECTOR_NO_FAULT);
    assert_int_equal(vector_fault(&sse, 0, osfxsr, 0x1008), VECTOR_GENERAL_PROTECTION);
    assert_int_equal(vector_fault(&unaligned, 0, osfxsr, 0x1008), VECTOR_NO_FAULT);
    assert_int_equal(vector_fault(&sse, ts, osfxsr, 0x1008), VECTOR_NO_DEVICE);
    assert_int_equal(vector_fault(&sse, ts, 0, 0x1000), VECTOR_INVALID_OPCODE);
    assert_int_equal(vector_fault(&sse, em | ts, osfxsr, 0x1000), VECTOR_INVALID_OPCODE);
    assert_int_equal(vector_fault(&mmx, 0, 0, 0x1001), VECTOR_NO_FAULT);
    assert_int_equal(vector_fault(&mmx, ts, 0, 0x1001), VECTOR_NO_DEVICE);
    assert_int_equal(vector_fault(&mmx, em, 0, 0x1001), VECTOR_INVALID_OPCODE);
}

// Anything the decoder takes, in every mode, with any registers: no access leaves the image, for the sanitizers.
static void test_any_value(void **state)
{
    const unsigned modes[] = { 64, 32, 16 };
    unsigned taken = 0;

    (void)state;
    for (unsigned n = 0; n < 600000; n++) {
        uint8_t bytes[INSN_MAX_LENGTH], data[16];
        struct insn insn;
        struct vector_move move;
        struct emulate_regs regs;
        struct fxsave_image image;
        randomise(bytes, sizeof(bytes));
        bytes[n % 3] = 0x0F;
        if (insn_decode(&insn, bytes, INSN_MAX_LENGTH, modes[n / 3 % 3]) != DECODE_OK)
            continue;
        randomise(&regs, sizeof(regs));
        if (!vector_begin(&move, &insn, &regs))
            continue;
        taken++;
        randomise(&image, sizeof(image));
        assert_true(move.plan.size == 4 || move.plan.size == 8 || move.plan.size == 16);
        assert_int_equal(move.plan.read.offset & ~alu_mask(insn.address_size), 0);
        vector_store(&move, &image, data);
        vector_load(&move, &image, data);
    }
    assert_true(taken > 1000);
}

static int open_arena(void **state)
{
    (void)state;
    arena = native_open();
    return arena == NULL ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_this_cpu),
        cmocka_unit_test(test_not_taken),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_any_value),
    };
    return cmocka_run_group_tests(tests, open_arena, NULL);
}
