// SPDX-License-Identifier: MIT
// Examples of what test_emulate.c cannot execute: what is not emulated, the narrower modes and stacks, a count of zero.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "arch/x86_64/insn/emulate.h"

static enum emulate_result begin(struct mmio_plan *plan, struct insn *insn, const struct emulate_regs *regs,
                                 const char *bytes, unsigned bits)
{
    uint8_t padded[INSN_MAX_LENGTH] = { 0 };

    memcpy(padded, bytes, strlen(bytes)); // what follows the first zero byte is zero
    assert_int_equal(insn_decode(insn, padded, sizeof(padded), bits), DECODE_OK);
    return emulate_begin(plan, insn, regs, bits / 8);
}

static void test_unsupported(void **state)
{
    static const char *const cases[] = {
        "\xFF\x19",         // CALL far
        "\xC8\x01\x01\x01", // ENTER with a level
        "\x9C",
        "\x8E\x01",
        "\x8C\x01",
        "\xD9\x01",
        "\x0F\x28\x01",
        "\xC5\xF8\x28\x01",
        "\xF2\x0F\x38\xF0\x01",
        "\x66\x0F\xC3\x01",
        "\xFF\x29",
        "\x8D\x01",
        "\x89\xC8",
        "\xC7\x48\x01\x01",
        "\x0F\xBA\x01\x01",
        "\x90",
        "\x0F\x18\x01",
        "\x0F\x01\x39",
        "\xF3\x0F\xBC\x01", // TZCNT
        "\x0F\xC7\x31",     // VMPTRLD
        // LOCK where it is #UD
        "\xF0\xF7\x21",
        "\xF0\xD1\x11",
        "\xF0\x0F\xA5\x01",
        "\xF0\x89\x01",
        "\xF0\x8B\x01",
        "\xF0\x39\x01",
        "\xF0\x03\x01",
        "\xF0\xC1\x21\x01",
        "\xF0\xA4",
        "\xF0\x0F\xA3\x01",
        "\xF0\x85\x01",
        "\xF0\x0F\x94\x01",
    };
    struct emulate_regs regs = { 0 };
    struct mmio_plan plan;
    struct insn insn;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (begin(&plan, &insn, &regs, cases[i], 64) != EMULATE_UNSUPPORTED)
            fail_msg("case %u is emulated", i);
    assert_int_equal(begin(&plan, &insn, &regs, "\x63\x01", 32), EMULATE_UNSUPPORTED); // ARPL
}

static void test_16_and_32_bit_modes(void **state)
{
    struct emulate_regs regs = { .gpr = { [0] = 0xAAAA1234, [3] = 0xFFFF, [6] = 2, [5] = 0x10 }, .rip = 0xFFFE };
    struct mmio_plan plan;
    struct insn insn;

    (void)state;
    assert_int_equal(begin(&plan, &insn, &regs, "\x8B\x08", 16), EMULATE_OK); // mov cx, [bx+si]
    assert_int_equal(plan.read.offset, 1);
    assert_int_equal(plan.read.segment, INSN_DS);
    assert_int_equal(plan.size, 2);
    regs.gpr[1] = 0x11112222;
    emulate_finish(&plan, &insn, &regs, 0x9999);
    assert_int_equal(regs.gpr[1], 0x11119999);
    assert_int_equal(regs.rip, 0x10000);
    assert_int_equal(begin(&plan, &insn, &regs, "\x66\x89\x46\xF0", 16), EMULATE_OK); // mov [bp-16], eax
    assert_int_equal(plan.write.offset, 0);
    assert_int_equal(plan.write.segment, INSN_SS);
    assert_int_equal(plan.size, 4);
    emulate_finish(&plan, &insn, &regs, 0);
    assert_int_equal(plan.write_value, 0xAAAA1234);
    regs.rip = 0xFFFFFFFE;
    assert_int_equal(begin(&plan, &insn, &regs, "\xC6\x05\xFF\xFF\xFF\xFF\x77", 32), EMULATE_OK); // mov byte [-1], 77
    assert_int_equal(plan.write.offset, 0xFFFFFFFF);
    emulate_finish(&plan, &insn, &regs, 0);
    assert_int_equal(plan.write_value, 0x77);
    assert_int_equal(regs.rip, 5);
}

// Outside 64-bit mode SS says how wide the stack pointer is, the code segment how much is pushed.
static void test_narrow_stacks(void **state)
{
    struct emulate_regs regs = { .gpr = { [4] = 0xAAAA0000, [6] = 0x40 }, .rip = 0x100 };
    struct mmio_plan plan;
    struct insn insn;

    (void)state;
    assert_int_equal(begin(&plan, &insn, &regs, "\xFF\x34", 16), EMULATE_OK); // push word [si]
    assert_int_equal(plan.kind, MMIO_COPY);
    assert_int_equal(plan.read.offset, 0x40);
    assert_int_equal(plan.write.offset, 0xFFFE);
    assert_int_equal(plan.write.segment, INSN_SS);
    emulate_finish(&plan, &insn, &regs, 0x12345678);
    assert_int_equal(plan.write_value, 0x5678);
    assert_int_equal(regs.gpr[4], 0xAAAAFFFE);
    assert_int_equal(begin(&plan, &insn, &regs, "\x66\x58", 16), EMULATE_OK); // pop eax
    assert_int_equal(plan.read.offset, 0xFFFE);
    emulate_finish(&plan, &insn, &regs, 0x12345678);
    assert_int_equal(regs.gpr[0], 0x12345678);
    assert_int_equal(regs.gpr[4], 0xAAAA0002);
    regs.gpr[4] = 0;
    assert_int_equal(begin(&plan, &insn, &regs, "\x6A\x80", 32), EMULATE_OK); // push -128
    assert_int_equal(plan.write.offset, 0xFFFFFFFC);
    emulate_finish(&plan, &insn, &regs, 0);
    assert_int_equal(plan.write_value, 0xFFFFFF80);
    assert_int_equal(regs.gpr[4], 0xFFFFFFFC);
}

// Where a jump cannot go it does nothing, whatever it read.
static void test_jumps(void **state)
{
    static const char *const far_away[] = { "\xFF\x21", "\xFF\x11", "\xC3" }; // JMP, CALL, RET
    const struct emulate_regs start = { .gpr = { [4] = 0x8000 }, .rip = 0x12340 };
    struct mmio_plan plan;
    struct insn insn;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct emulate_regs regs = start;
        assert_int_equal(begin(&plan, &insn, &regs, far_away[i], 64), EMULATE_OK);
        assert_true(mmio_plan_jumps(&plan));
        assert_int_equal(emulate_finish(&plan, &insn, &regs, UINT64_C(1) << 47), EMULATE_GENERAL_PROTECTION);
        assert_memory_equal(&regs, &start, sizeof(regs));
        assert_int_equal(emulate_finish(&plan, &insn, &regs, (UINT64_C(1) << 47) - 1), EMULATE_OK);
        assert_int_equal(regs.rip, (UINT64_C(1) << 47) - 1);
        assert_int_equal(regs.gpr[4], i == 0 ? 0x8000 : i == 1 ? 0x7FF8 : 0x8008);
    }
    struct emulate_regs regs = start;
    assert_int_equal(begin(&plan, &insn, &regs, "\xE8\x10\xFF", 16), EMULATE_OK); // CALL back, of 16-bit code
    assert_int_equal(plan.write.offset, 0x7FFE);
    assert_int_equal(emulate_finish(&plan, &insn, &regs, 0), EMULATE_OK);
    assert_int_equal(regs.rip, 0x2253);
    assert_int_equal(plan.write_value, 0x2343);
}

static void test_count_of_zero(void **state)
{
    struct emulate_regs regs = { .gpr = { [1] = UINT64_C(1) << 32, [7] = 0x1000 }, .rip = 0x100 };
    struct mmio_plan plan;
    struct insn insn;

    (void)state;
    assert_int_equal(begin(&plan, &insn, &regs, "\x67\xF3\xAB", 64), EMULATE_OK); // counts in ecx
    assert_int_equal(plan.kind, MMIO_NONE);
    emulate_finish(&plan, &insn, &regs, 0);
    assert_int_equal(regs.rip, 0x103);
    assert_int_equal(regs.gpr[7], 0x1000);
    regs.rip = 0x100;
    assert_int_equal(begin(&plan, &insn, &regs, "\xF3\xAB", 64), EMULATE_OK); // in rcx there is more to do
    emulate_finish(&plan, &insn, &regs, 0);
    assert_int_equal(regs.rip, 0x100);
    assert_int_equal(regs.gpr[1], UINT32_MAX);
    assert_int_equal(regs.gpr[7], 0x1004);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_16_and_32_bit_modes),
        cmocka_unit_test(test_narrow_stacks),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_count_of_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
