// SPDX-License-Identifier: MIT
// A series of measurements, against one that is kept unsorted and counted through for each question.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "vmm/base/spread.h"

static struct spread spread;

static void test_the_same_each_time(void **state)
{
    (void)state;
    unsigned rounds = 0;
    for (spread_start(&spread); spread_wants_more(&spread); rounds++)
        spread_add(&spread, 18);
    assert_int_equal(rounds, 64);
    assert_int_equal(spread_min(&spread), 18);
    assert_int_equal(spread_percentile(&spread, 500), 18);
    assert_int_equal(spread_max(&spread), 18);
    assert_int_equal(spread_width(&spread), 0);
    assert_int_equal(spread_bias(&spread), 0);
}

// The last of sixty-four differs: all are wanted, and no more.
static void test_one_that_differs(void **state)
{
    (void)state;
    unsigned rounds = 0;
    for (spread_start(&spread); spread_wants_more(&spread); rounds++)
        spread_add(&spread, rounds == 63 ? 19 : 18);
    assert_int_equal(rounds, SPREAD_MAX);
    assert_int_equal(spread_width(&spread), 1);
    assert_int_equal(spread_bias(&spread), 1); // 1/256, rounded up: not 0 while it is not
    assert_int_equal(spread_percentile(&spread, 990), 18);
    assert_int_equal(spread_percentile(&spread, 1000), 19);
    char text[SPREAD_TEXT_BYTES];
    spread_text(&spread, "ticks", text, sizeof(text));
    assert_string_equal(text, "18 ticks, p50 18, p99 18, max 19");
    spread_add(&spread, 5);
    assert_int_equal(spread.count, SPREAD_MAX);
    assert_int_equal(spread_min(&spread), 18);
}

// How many of the values are no larger than `value`.
static unsigned at_most(const uint64_t *values, unsigned count, uint64_t value)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++)
        found += values[i] <= value;
    return found;
}

static void test_percentiles_of_random_series(void **state)
{
    (void)state;
    uint64_t values[SPREAD_MAX], random = 1;
    for (unsigned count = 1; count <= SPREAD_MAX; count++) {
        spread_start(&spread);
        for (unsigned i = 0; i < count; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            values[i] = random >> (33 + random % 28);
            spread_add(&spread, values[i]);
        }
        for (unsigned permille = 1; permille <= 1000; permille += 111) {
            uint64_t found = spread_percentile(&spread, permille);
            assert_true(at_most(values, count, found) * 1000 >= count * permille);
            assert_true(found == 0 || at_most(values, count, found - 1) * 1000 < count * permille);
        }
        assert_int_equal(at_most(values, count, spread_max(&spread)), count);
        assert_true(spread_min(&spread) == 0 || at_most(values, count, spread_min(&spread) - 1) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_each_time),
        cmocka_unit_test(test_one_that_differs),
        cmocka_unit_test(test_percentiles_of_random_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
