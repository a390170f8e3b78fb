// SPDX-License-Identifier: MIT
// Exact ratios against GMP's big integers: every conversion, every saturation, and M8, the drift of a converted clock
// (0 by definition here, so it is an equality). M7 natively: a million PIT ticks at origin + k * period, none lost or
// doubled however V advances.
#include "time/ratio.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <gmp.h>

#define CASES 200000

static void set_u64(mpz_t z, uint64_t value)
{
    mpz_import(z, 1, 1, sizeof value, 0, 0, &value);
}

// The model: x * num / den, rounded as asked, saturated at 2^64 - 1.
static uint64_t big_mul_div(uint64_t x, uint64_t num, uint64_t den, bool up)
{
    mpz_t a, b;
    mpz_init(a);
    mpz_init(b);
    set_u64(a, x);
    set_u64(b, num);
    mpz_mul(a, a, b);
    set_u64(b, den);
    if (up)
        mpz_cdiv_q(a, a, b);
    else
        mpz_fdiv_q(a, a, b);
    uint64_t result = mpz_sizeinbase(a, 2) > 64 ? UINT64_MAX : 0;
    if (result == 0)
        mpz_export(&result, NULL, 1, sizeof result, 0, 0, a);
    mpz_clear(a);
    mpz_clear(b);
    return result;
}

static uint64_t nonzero(uint64_t *random)
{
    uint64_t value = host_random_edgy(random);
    return value != 0 ? value : 1;
}

static void test_mul_div(void **state)
{
    (void)state;
    uint64_t random = 1, wide = 0, saturated = 0;
    for (unsigned i = 0; i < CASES; i++) {
        uint64_t x = host_random_edgy(&random);
        uint64_t num = host_random_edgy(&random);
        uint64_t den = nonzero(&random);
        uint64_t floor = mul_div_floor(x, num, den);
        uint64_t product;
        assert_true(floor == big_mul_div(x, num, den, false));
        assert_true(mul_div_ceil(x, num, den) == big_mul_div(x, num, den, true));
        wide += __builtin_mul_overflow(x, num, &product);
        saturated += floor == UINT64_MAX;
    }
    assert_true(wide > CASES / 10 && wide < CASES - CASES / 10); // both paths were taken
    assert_true(saturated > 0);
    print_message("# ratio: %u cases against GMP, %llu by the 128-bit path, %llu saturated\n", (unsigned)CASES,
                  (unsigned long long)wide, (unsigned long long)saturated);
}

// The quotients around 2^64, where saturation begins.
static void test_mul_div_saturates(void **state)
{
    (void)state;
    uint64_t max = UINT64_MAX;
    assert_true(mul_div_floor(max, max, max) == max);
    assert_true(mul_div_ceil(max, max, max) == max);
    assert_true(mul_div_floor(max, max, max - 1) == max); // 2^64 exactly: the first that does not fit
    assert_true(mul_div_floor(max - 1, max - 1, max) == max - 2);
    assert_true(mul_div_ceil(max - 1, max - 1, max) == max - 1);
    assert_true(mul_div_floor(max, 2, 1) == max);
    assert_true(mul_div_ceil(max, 3, 3) == max);
    assert_true(mul_div_ceil(max - 1, 3, 3) == max - 1);
    assert_true(mul_div_floor(0, max, 1) == 0 && mul_div_ceil(0, max, 1) == 0);
    assert_true(mul_div_ceil(1, 1, max) == 1 && mul_div_floor(1, 1, max) == 0);
    assert_true(time_add(max, 1) == max && time_add(max - 1, 1) == max && time_add(3, 4) == 7);
}

static void test_ratio_make(void **state)
{
    (void)state;
    uint64_t random = 2;
    mpz_t a, b, common;
    mpz_init(a);
    mpz_init(b);
    mpz_init(common);
    for (unsigned i = 0; i < CASES / 4; i++) {
        uint64_t factor = nonzero(&random) >> 32 | 1;
        uint64_t num = (host_random_edgy(&random) >> 32) * factor;
        uint64_t den = (nonzero(&random) >> 32 | 1) * factor;
        struct ratio r = ratio_make(num, den);
        set_u64(a, r.num);
        set_u64(b, r.den);
        mpz_gcd(common, a, b);
        assert_true(mpz_cmp_ui(common, 1) == 0);
        assert_true((unsigned __int128)r.num * den == (unsigned __int128)r.den * num);
        struct ratio back = ratio_inverse(r);
        assert_true(back.num == r.den && back.den == r.num);
    }
    assert_true(ratio_make(0, 7).num == 0 && ratio_make(0, 7).den == 1);
    mpz_clear(a);
    mpz_clear(b);
    mpz_clear(common);
}

// Law 3 in arithmetic: a deadline rounded up has been reached when it reads as reached, and not one cycle before.
static void test_deadline_then_read(void **state)
{
    (void)state;
    static const uint64_t device_hz[] = { 1193182, 3579545, 32768, 10000000, 14318180, 62500000, 1000000000 };
    static const uint64_t v_hz[] = { 1000000000, 2399999871, 3000000000, 3792892000, 62500000 };
    uint64_t random = 3;
    for (unsigned i = 0; i < CASES; i++) {
        struct ratio r = ratio_make(device_hz[i % 7], v_hz[i % 5]);
        uint64_t ticks = host_random(&random) >> (24 + host_random(&random) % 40);
        uint64_t deadline = ratio_ceil(ratio_inverse(r), ticks);
        if (r.num > r.den)
            assert_true(ratio_floor(r, deadline) >= ticks); // several ticks fit one cycle
        else
            assert_true(ratio_floor(r, deadline) == ticks);
        assert_true(deadline == 0 || ratio_floor(r, deadline - 1) < ticks);
    }
}

// M8: V cut into arbitrary pieces, each converted with its remainder carried, sums to the conversion of the whole.
static void test_carry(void **state)
{
    (void)state;
    uint64_t random = 4, steps = 0;
    for (unsigned run = 0; run < 400; run++) {
        struct ratio r = ratio_make(nonzero(&random) >> 24, nonzero(&random));
        struct carry carry = { 0 };
        unsigned length = 8 + (unsigned)(host_random(&random) % 56); // each run has its own typical piece
        uint64_t whole = 0, sum = 0;
        for (unsigned i = 0; i < 250; i++, steps++) {
            uint64_t delta = host_random_edgy(&random) >> length;
            if (whole > UINT64_MAX - delta)
                break;
            whole += delta;
            uint64_t exact = big_mul_div(whole, r.num, r.den, false);
            if (exact == UINT64_MAX)
                break;
            sum += carry_step(&carry, r, delta);
            assert_true(sum == exact);
            assert_true(carry.rem < r.den);
        }
    }
    assert_true(steps > 50000);
    print_message("# M8 drift of a clock cut into pieces: 0 ticks, after each of %llu pieces\n",
                  (unsigned long long)steps);
}

// 100 days of V at 3 GHz in a million pieces converted to PIT clocks: 0 clocks of drift. A period rounded to a whole
// number of cycles, the usual shortcut, is measured beside it.
static void test_carry_long(void **state)
{
    (void)state;
    uint64_t random = 5, v = 0, clocks = 0;
    struct ratio r = ratio_make(1193182, 3000000000);
    struct carry carry = { 0 };
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t delta = host_random_range(&random, 0, 51840000000); // 8.64 s on average
        v += delta;
        clocks += carry_step(&carry, r, delta);
    }
    assert_true(clocks == big_mul_div(v, 1193182, 3000000000, false));
    uint64_t rounded = v / (3000000000 / 1193182);
    print_message("# M8 drift over %llu days of V: 0 PIT clocks (%llu with a rounded period)\n",
                  (unsigned long long)(v / 3000000000 / 86400), (unsigned long long)(rounded - clocks));
    assert_true(rounded > clocks);
}

// M7: tick k is due at origin + ceil(k * count * hz / 1193182). V advances by random slices; at each, every tick due is
// counted. All ticks come, in order, each at the first slice end at or after its own deadline.
static void test_million_ticks(void **state)
{
    (void)state;
    const uint64_t count = 11932, hz = 3000000000, wanted = 1000000;
    struct ratio per_clock = ratio_make(hz, 1193182);
    uint64_t random = 6, origin = 123456789, v = origin, previous = origin, k = 0, slices = 0;
    for (; k < wanted; slices++) {
        v += host_random_range(&random, 1, 60000000); // up to 2 periods: 0, 1, 2 or 3 ticks
        for (;;) {
            uint64_t due = time_add(origin, ratio_ceil(per_clock, (k + 1) * count));
            if (due > v)
                break;
            assert_true(due > previous); // this tick was not due at an earlier look, and is not counted twice
            k++;
        }
        assert_true(k == mul_div_floor(v - origin, 1193182, hz) / count); // the count by one exact division
        previous = v;
    }
    uint64_t last = ratio_ceil(per_clock, k * count);
    assert_true(last == big_mul_div(k * count, hz, 1193182, true));
    print_message("# M7 PIT ticks: %llu expected, lost 0, doubled 0, over %llu slices of V\n", (unsigned long long)k,
                  (unsigned long long)slices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mul_div),       cmocka_unit_test(test_mul_div_saturates),
        cmocka_unit_test(test_ratio_make),    cmocka_unit_test(test_deadline_then_read),
        cmocka_unit_test(test_carry),         cmocka_unit_test(test_carry_long),
        cmocka_unit_test(test_million_ticks),
    };
    return cmocka_run_group_tests_name("ratio", tests, NULL, NULL);
}
