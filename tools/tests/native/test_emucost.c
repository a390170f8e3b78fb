// SPDX-License-Identifier: MIT
// What emulated instructions cost: in order of size, and rounded up to whole cycles at every rate.
#include "time/emucost.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_order(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind < EMUCOST_KIND_COUNT; kind++)
        assert_true(emucost_ns((enum emucost_kind)kind) > emucost_ns((enum emucost_kind)(kind - 1)));
    assert_int_equal(emucost_ns(EMUCOST_PORT), 1000);
    assert_int_equal(emucost_ns(EMUCOST_MEMORY), 100);
}

// The smallest number of cycles that lasts at least so long: one fewer would be too short.
static void test_rounded_up(void **state)
{
    (void)state;
    static const uint64_t rates[] = { 1,         999,        1000000,    24000000,           62500000,
                                      999999937, 1000000000, 3393624017, UINT64_C(1) << 40 };
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        for (unsigned kind = 0; kind < EMUCOST_KIND_COUNT; kind++) {
            uint64_t cycles = emucost_cycles((enum emucost_kind)kind, rates[i]);
            __extension__ typedef unsigned __int128 wide;
            wide wanted = (wide)emucost_ns((enum emucost_kind)kind) * rates[i];
            assert_true(cycles >= 1 && (wide)cycles * NS_PER_S >= wanted);
            assert_true(cycles == 1 || (wide)(cycles - 1) * NS_PER_S < wanted);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_rounded_up) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
