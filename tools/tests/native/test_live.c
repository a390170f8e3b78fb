// SPDX-License-Identifier: MIT
// The live row of the host's screen: its bar against a model of its rule, and the sentence.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "vmm/show/live.h"

#define ROUNDS 100000

static unsigned letters_of(const char *bar, char letter)
{
    unsigned count = 0;
    for (; *bar != '\0'; bar++)
        count += *bar == letter;
    return count;
}

// Each account's letters are its share, rounded down or up; together they fill the bar; and they stand in order.
static void bars(void **state)
{
    (void)state;
    static const char order[] = "GMSIPH";
    uint64_t seed = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t cycles[ACCOUNT_COUNT], sum = 0;
        char bar[LIVE_BAR + 1];
        for (unsigned i = 0; i < ACCOUNT_COUNT; i++) {
            cycles[i] = host_random_edgy(&seed) >> 4;
            sum += cycles[i];
        }
        live_bar(cycles, bar);
        assert_int_equal(strlen(bar), sum == 0 ? 0 : LIVE_BAR);
        for (size_t i = 1; bar[0] != '\0' && bar[i] != '\0'; i++)
            assert_true(strchr(order, bar[i - 1]) <= strchr(order, bar[i]));
        for (unsigned i = 0; i < ACCOUNT_COUNT && sum != 0; i++) {
            unsigned __int128 exact = (unsigned __int128)cycles[i] * LIVE_BAR;
            unsigned letters = letters_of(bar, order[i]), down = (unsigned)(exact / sum);
            assert_true(letters == down || (letters == down + 1 && exact % sum != 0));
        }
    }
}

static void rows(void **state)
{
    (void)state;
    struct live live = { { 0 } };
    uint64_t total[ACCOUNT_COUNT] = { [ACCOUNT_GUEST] = 750, [ACCOUNT_MONITOR] = 250 };
    struct live_input input = { .name = "demo", .v_us = 1234567, .exits = 42, .total = total };
    char row[LIVE_ROW_BYTES];
    live_row(&live, &input, row);
    assert_string_equal(row, "demo  V 1.234567 s  G 75.0% M 25.0%  42 exits  GGGGGGGGGGGGGGGGGGGGGGGGMMMMMMMM");
    total[ACCOUNT_HOST] = 1000;
    live_row(&live, &input, row);
    assert_string_equal(row, "demo  V 1.234567 s  G 37.5% M 12.5% H 50.0%  42 exits  HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH");
    live_row(&live, &input, row); // nothing has passed
    assert_string_equal(row, "demo  V 1.234567 s  G 37.5% M 12.5% H 50.0%  42 exits  ");
    char name[] = "a-name-of-thirty-one-characters";
    uint64_t most[ACCOUNT_COUNT];
    for (unsigned i = 0; i < ACCOUNT_COUNT; i++)
        most[i] = UINT64_MAX / 8;
    input = (struct live_input){ .name = name, .v_us = UINT64_MAX, .exits = UINT64_MAX, .total = most };
    live_row(&live, &input, row);
    assert_true(strlen(row) < LIVE_ROW_BYTES - 1); // all of it fits
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bars), cmocka_unit_test(rows) };
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
