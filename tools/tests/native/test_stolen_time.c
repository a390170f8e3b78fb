// SPDX-License-Identifier: MIT
// The structure of stolen time: its bytes as DEN0057A has them, what is counted, and that it never goes back.
#include "time/stolen_time.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

// The structure's bytes for an amount, little endian.
static void expect_bytes(const struct stolen_page *page, uint64_t stolen_ns)
{
    uint8_t bytes[64] = { 0 };
    for (unsigned i = 0; i < 8; i++)
        bytes[8 + i] = (uint8_t)(stolen_ns >> (8 * i));
    assert_memory_equal(page, bytes, sizeof bytes);
}

static void test_bytes(void **state)
{
    (void)state;
    struct stolen_page page = { 0 };
    struct stolen_time st = { 0 };
    stolen_time_wanted(&st, 0);
    stolen_time_write(&st, &page, 0x123456789abc, NS_PER_S);
    expect_bytes(&page, 0x123456789abc);
}

static void test_counts_from_the_first_question(void **state)
{
    (void)state;
    struct stolen_page page = { 0 };
    struct stolen_time st = { 0 };
    assert_false(stolen_time_changed(&st, 500)); // nobody looks
    stolen_time_wanted(&st, 1000);
    assert_false(stolen_time_changed(&st, 1000));
    assert_true(stolen_time_changed(&st, 1001));
    stolen_time_write(&st, &page, 63500, 62500000);
    expect_bytes(&page, 1000000);
    assert_false(stolen_time_changed(&st, 63500));
    stolen_time_wanted(&st, 63500); // asking again changes nothing
    stolen_time_write(&st, &page, 63501, 62500000);
    expect_bytes(&page, 1000016);
}

// Against arithmetic of its own: whole seconds and the rest, apart.
static void test_exact_and_monotone(void **state)
{
    (void)state;
    uint64_t seed = 20;
    for (unsigned round = 0; round < 2000; round++) {
        struct stolen_page page = { 0 };
        struct stolen_time st = { 0 };
        uint64_t hz = host_random_range(&seed, 1, 4000000000);
        uint64_t base = host_random(&seed) >> 32, cycles = base, last = 0;
        stolen_time_wanted(&st, base);
        for (unsigned i = 0; i < 20; i++) {
            cycles += host_random_edgy(&seed) >> 34;
            stolen_time_write(&st, &page, cycles, hz);
            uint64_t passed = cycles - base;
            assert_int_equal(page.stolen_ns, passed / hz * NS_PER_S + passed % hz * NS_PER_S / hz);
            assert_true(page.stolen_ns >= last);
            last = page.stolen_ns;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_counts_from_the_first_question),
        cmocka_unit_test(test_exact_and_monotone),
    };
    return cmocka_run_group_tests_name("stolen_time", tests, NULL, NULL);
}
