// SPDX-License-Identifier: MIT
// Conditions of trapped AArch32 instructions against their meaning as comparisons, IT blocks against a walk through the
// block as the assembler writes it, and the order of bytes.
#include "arch/arm64/insn/aarch32.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define T32 (UINT64_C(1) << 5)
#define A32 (UINT64_C(1) << 4)

// Flags of `a - b` on 32 bits, as CMP sets them.
static uint64_t compared(uint32_t a, uint32_t b)
{
    uint32_t difference = a - b;
    bool overflow = ((a ^ b) & (a ^ difference)) >> 31 != 0;
    return (uint64_t)(difference >> 31) << 31 | (uint64_t)(difference == 0) << 30 | (uint64_t)(a >= b) << 29 |
           (uint64_t)overflow << 28;
}

static bool meaning(unsigned condition, uint32_t a, uint32_t b)
{
    int64_t sa = (int32_t)a, sb = (int32_t)b;
    switch (condition) {
    case 0: return a == b;
    case 1: return a != b;
    case 2: return a >= b;
    case 3: return a < b;
    case 4: return (int32_t)(a - b) < 0;
    case 5: return (int32_t)(a - b) >= 0;
    case 6: return sa - sb != (int32_t)(a - b);
    case 7: return sa - sb == (int32_t)(a - b);
    case 8: return a > b;
    case 9: return a <= b;
    case 10: return sa >= sb;
    case 11: return sa < sb;
    case 12: return sa > sb;
    case 13: return sa <= sb;
    default: return true;
    }
}

static uint64_t with_it(unsigned it)
{
    return A32 | T32 | (uint64_t)(it & 3) << 25 | (uint64_t)(it >> 2) << 10;
}

static void test_conditions(void **state)
{
    (void)state;
    uint64_t seed = 32;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t a = (uint32_t)host_random_edgy(&seed), b = round % 4 == 0 ? a : (uint32_t)host_random_edgy(&seed);
        uint64_t flags = compared(a, b) | A32;
        for (unsigned condition = 0; condition < 16; condition++) {
            bool want = meaning(condition, a, b);
            assert_int_equal(aarch32_condition_holds(1 << 24 | condition << 20, flags), want);
            if (condition < 15) // 15 is no condition of an IT block
                assert_int_equal(aarch32_condition_holds(0, flags | with_it(condition << 4 | 8)), want);
        }
        assert_true(aarch32_condition_holds(0, flags | T32)); // outside of a block
    }
}

// IT{x{y{z}}}: the mask has a bit for each following instruction, T the condition's own lowest bit, then a one.
static void test_it_blocks(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 14; first++)
        for (unsigned length = 1; length <= 4; length++)
            for (unsigned others = 0; others < 1u << (length - 1); others++) {
                unsigned mask = (others << 1 | 1) << (4 - length);
                uint64_t pstate = with_it(first << 4 | mask);
                for (unsigned i = 0; i < length; i++) {
                    unsigned low = i == 0 ? first & 1 : others >> (length - 1 - i) & 1;
                    unsigned condition = (first & ~1u) | low;
                    for (uint64_t flags = 0; flags < 16; flags++)
                        assert_int_equal(aarch32_condition_holds(0, pstate | flags << 28),
                                         aarch32_condition_holds(1 << 24 | condition << 20, flags << 28));
                    pstate = aarch32_stepped(pstate);
                }
                assert_true(pstate == (A32 | T32));
            }
    assert_true(aarch32_stepped(UINT64_MAX & ~T32) == (UINT64_MAX & ~T32)); // A32 has no such blocks
}

static void test_byte_order(void **state)
{
    (void)state;
    const uint64_t e0e = UINT64_C(1) << 24, ee = UINT64_C(1) << 25, el1 = 5, el0 = 0, e = 1 << 9;
    assert_false(guest_is_big_endian(el1, ~ee));
    assert_true(guest_is_big_endian(el1, ee));
    assert_false(guest_is_big_endian(el0 | e, ~e0e)); // the bit is D there
    assert_true(guest_is_big_endian(el0, e0e));
    assert_false(guest_is_big_endian(A32, e0e | ee));
    assert_true(guest_is_big_endian(A32 | e, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_it_blocks),
        cmocka_unit_test(test_byte_order),
    };
    return cmocka_run_group_tests_name("aarch32", tests, NULL, NULL);
}
