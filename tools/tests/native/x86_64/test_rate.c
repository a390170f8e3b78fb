// SPDX-License-Identifier: MIT
// The arithmetic that turns two clocks into one frequency: a simulated clock's true rate is always inside the interval,
// and the rule that picks the number.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "arch/x86_64/host/rate.h"
#include "tools/tests/native/host.h"

// A counter of `hz` and a clock of num/den Hz from the same zero: the cycle in which the clock's edge k falls is
// floor(k * den * hz / num). Edges are seen late by `poll` cycles at most, as refclock.c sees them.
static void the_truth_is_inside(void **state)
{
    (void)state;
    uint64_t seed = 5, widest_ppb = 0;
    for (unsigned i = 0; i < 50000; i++) {
        uint64_t hz = host_random_range(&seed, 100000000, 6000000000),
                 num = host_random_range(&seed, 1000000, 100000000);
        uint64_t den = host_random_range(&seed, 1, 3), poll = host_random_range(&seed, 1, 2000);
        uint64_t first = host_random_range(&seed, 0, 1000000), ticks = host_random_range(&seed, 1, num / den / 100 + 1);
        unsigned __int128 scale = (unsigned __int128)hz * den;
        uint64_t start = (uint64_t)(first * scale / num), end = (uint64_t)((first + ticks) * scale / num);
        // low < edge <= high, each within `poll`.
        uint64_t start_high = start + 1 + host_random_range(&seed, 0, poll),
                 start_low = start - (start < poll ? start : poll);
        uint64_t end_high = end + 1 + host_random_range(&seed, 0, poll), end_low = end - (end < poll ? end : poll);
        struct rate rate;
        bool known = rate_measured(end_low > start_high ? end_low - start_high : 0, end_high - start_low, ticks, num,
                                   den, &rate);
        assert_int_equal(known, end_low > start_high);
        if (!known)
            continue;
        assert_true(rate.low_hz <= hz && hz <= rate.high_hz);
        uint64_t ppb = (uint64_t)((unsigned __int128)(rate.high_hz - rate.low_hz) * 1000000000 / hz);
        widest_ppb = ppb > widest_ppb && ticks > num / den / 200 ? ppb : widest_ppb;
    }
    print_message("# 50000 simulated measurements hold the truth; widest over a window of 5 ms and more: %lu ppb\n",
                  widest_ppb);
}

static void nothing_can_be_said(void **state)
{
    (void)state;
    struct rate rate;
    assert_false(rate_measured(0, 10, 1, 1, 1, &rate));
    assert_false(rate_measured(10, 9, 1, 1, 1, &rate));
    assert_false(rate_measured(10, 10, 0, 1, 1, &rate));
    assert_false(rate_measured(10, 10, 1, 0, 1, &rate));
    assert_false(rate_measured(10, 10, 1, 1, 0, &rate));
    assert_false(rate_measured(10, 10, UINT64_MAX, 1, 2, &rate));
    assert_false(rate_measured(1, UINT64_MAX, 1, 100, 1, &rate)); // saturates: unknown, not a huge rate
    assert_true(rate_measured(10000000, 10000000, 1000000, 1000000000000000, 10000000, &rate));
    assert_int_equal(rate.low_hz, 1000000000);
    assert_int_equal(rate.high_hz, 1000000000);
}

static void expect(struct rate a, struct rate b, uint64_t hz, bool round)
{
    bool is_round;
    assert_int_equal(rate_choose(a, b, &is_round), hz);
    assert_int_equal(is_round, round);
    assert_int_equal(rate_choose(b, a, &is_round), hz);
    assert_int_equal(is_round, round);
}

static void the_number_that_is_chosen(void **state)
{
    (void)state;
    struct rate emulated = { 999992501, 1000006301 };
    expect(emulated, (struct rate){ 999992036, 1000010036 }, 1000000000, true);
    // One multiple of 1 MHz decides before the many of 1 kHz do.
    expect((struct rate){ 2303990000, 2304009000 }, (struct rate){ 2303970000, 2304020000 }, 2304000000, true);
    // One multiple of 1 kHz, none of 10 kHz.
    expect((struct rate){ 2303997100, 2303998900 }, (struct rate){ 2303990000, 2303998500 }, 2303998000, true);
    // Several multiples of 1 kHz and none of 10 kHz: the middle.
    expect((struct rate){ 2303993000, 2303997000 }, (struct rate){ 2303990000, 2303999000 }, 2303995000, false);
    // No multiple of 1 kHz: the middle.
    expect((struct rate){ 2303995100, 2303995900 }, (struct rate){ 2303990000, 2303999000 }, 2303995500, false);
    // A slow counter, 1170 ppm wide: still 1/857 of 10 MHz, no accident.
    expect((struct rate){ 9994098, 10005904 }, (struct rate){ 9992512, 10005759 }, 10000000, true);
    // As wide, and only 1/86 of the power of ten it would be a multiple of: the middle.
    expect((struct rate){ 10994098, 11005904 }, (struct rate){ 10992512, 11005759 }, 10999928, false);
    // Apart, but within what counts as agreement: the first is believed.
    bool is_round;
    struct rate first = { 1000000001, 1000000011 }, second = { 1000099990, 1000100010 };
    assert_int_equal(rate_choose(first, second, &is_round), 1000000006);
    assert_false(is_round);
    assert_int_equal(rate_choose(second, first, &is_round), 1000100000);
    assert_true(is_round);
}

// Whatever the intervals, the result is inside their overlap, and a round one is a multiple of 1 kHz.
static void the_choice_is_inside(void **state)
{
    (void)state;
    uint64_t seed = 6, rounds = 0;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t hz = host_random_range(&seed, 1, 6000000000);
        struct rate a = { hz - hz / host_random_range(&seed, 20, 1000000),
                          hz + hz / host_random_range(&seed, 20, 1000000) };
        struct rate b = { hz - hz / host_random_range(&seed, 20, 1000000),
                          hz + hz / host_random_range(&seed, 20, 1000000) };
        bool round;
        uint64_t chosen = rate_choose(a, b, &round);
        assert_true(chosen >= a.low_hz && chosen >= b.low_hz && chosen <= a.high_hz && chosen <= b.high_hz);
        assert_true(!round || chosen % 1000 == 0);
        rounds += round;
    }
    assert_true(rounds > 0 && rounds < 100000);
}

static void agreement_and_widening(void **state)
{
    (void)state;
    struct rate a = { 1000000000, 1000000000 };
    assert_true(rate_agree(a, (struct rate){ 1001001001, 1001001001 }));
    assert_false(rate_agree(a, (struct rate){ 1001001002, 1001001002 }));
    assert_false(rate_agree((struct rate){ 1001001002, 1001001002 }, a));
    struct rate wide = rate_widened(a, 1);
    assert_int_equal(wide.low_hz, 999999000);
    assert_int_equal(wide.high_hz, 1000001000);
    wide = rate_widened((struct rate){ 3, UINT64_MAX - 1 }, 2000000);
    assert_int_equal(wide.low_hz, 0);
    assert_int_equal(wide.high_hz, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_truth_is_inside),       cmocka_unit_test(nothing_can_be_said),
        cmocka_unit_test(the_number_that_is_chosen), cmocka_unit_test(the_choice_is_inside),
        cmocka_unit_test(agreement_and_widening),
    };
    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
