// SPDX-License-Identifier: MIT
// Scaled counters against exact rationals: the rate, the error bound (M16), continuity, and deadlines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "time/counterscale.h"
#include "tools/tests/native/host.h"

typedef unsigned __int128 u128;

static const struct counterscale_format vmx = { 64, 48 }, svm = { 40, 32 };
static uint64_t seed = 2032;

static uint64_t hz(void) { return host_random_range(&seed, 10000000, 6000000000); }

static struct counterscale some(struct counterscale_format format, uint64_t *guest_hz, uint64_t *host_hz)
{
    struct counterscale scale;
    *guest_hz = hz();
    *host_hz = hz();
    while (!counterscale_make(*guest_hz, *host_hz, format, &scale))
        *guest_hz = hz();
    return scale;
}

static void known_values(void **state)
{
    (void)state;
    struct counterscale scale;
    assert_true(counterscale_make(1000000000, 1000000000, vmx, &scale));
    assert_int_equal(scale.multiplier, UINT64_C(1) << 48); // SDM: 1.0
    assert_true(counterscale_make(1000000000, 1000000000, svm, &scale));
    assert_int_equal(scale.multiplier, UINT64_C(0x100000000)); // APM: the reset value
    assert_true(counterscale_make(1500000000, 1000000000, svm, &scale));
    assert_int_equal(scale.multiplier, UINT64_C(0x180000000));
    assert_int_equal(counterscale_at(&scale, 1000001), 1500001);
    assert_int_equal(counterscale_host_cycles(scale, 3), 2);
    assert_int_equal(counterscale_host_cycles(scale, 4), 3);
    assert_int_equal(counterscale_host_cycles(scale, TIME_NEVER), TIME_NEVER);
    assert_false(counterscale_make(0, 1000000000, vmx, &scale));
    assert_false(counterscale_make(1, UINT64_MAX, svm, &scale));
    assert_false(counterscale_make(2560000000, 10000000, svm, &scale)); // 256: one bit too many
    assert_true(counterscale_make(2559999999, 10000000, svm, &scale));
    assert_false(counterscale_make(UINT64_MAX, 1, vmx, &scale));
    assert_false(counterscale_make(1, 1, (struct counterscale_format){ 0 }, &scale)); // a processor that has none

    struct counterscale none = { 0 };
    assert_int_equal(counterscale_at(&none, UINT64_MAX), UINT64_MAX);
    assert_int_equal(counterscale_host_cycles(none, 12345), 12345);
}

// M16: never fast; slow by less than one part in the multiplier. The rate that the multiplier makes is the rational
// multiplier * host_hz / 2^fraction; everything here is compared as integers.
static void error_bound(void **state)
{
    (void)state;
    uint64_t worst_svm_ppt = 0, worst_vmx_ppt = 0;
    for (unsigned round = 0; round < 200000; round++) {
        struct counterscale_format format = round % 2 ? vmx : svm;
        uint64_t guest_hz, host_hz;
        struct counterscale scale = some(format, &guest_hz, &host_hz);
        u128 made = (u128)scale.multiplier * host_hz, asked = (u128)guest_hz << format.fraction_bits;
        assert_true(made <= asked && asked - made < host_hz);
        // (asked - made) / asked < 1 / multiplier
        assert_true((asked - made) * scale.multiplier < asked || asked == made);
        uint64_t ppt = (uint64_t)((asked - made) * 1000000 / (asked / 1000000)); // of 10^12
        if (round % 2)
            worst_vmx_ppt = ppt > worst_vmx_ppt ? ppt : worst_vmx_ppt;
        else if ((u128)guest_hz * 100 >= (u128)host_hz * 47)
            worst_svm_ppt = ppt > worst_svm_ppt ? ppt : worst_svm_ppt;
    }
    print_message("# slow by at most: VMX %lu, SVM (guest at 0.47 of the host or more) %lu parts in 10^12\n",
                  worst_vmx_ppt, worst_svm_ppt);
    assert_in_range(worst_svm_ppt, 1, 499); // 0.5 ppb
    assert_in_range(worst_vmx_ppt, 0, 4);
}

// The guest's counter is monotone, continuous through an offset, and goes on by the ratio to within one cycle.
static void counters_go_on(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        struct counterscale_format format = round % 2 ? vmx : svm;
        uint64_t guest_hz, host_hz;
        struct counterscale scale = some(format, &guest_hz, &host_hz);
        uint64_t host = host_random_edgy(&seed) >> 16, step = host_random_edgy(&seed) >> 20;
        uint64_t guest_now = host_random_edgy(&seed), offset = guest_now - counterscale_at(&scale, host);
        assert_int_equal(counterscale_at(&scale, host) + offset, guest_now);
        uint64_t went_on = counterscale_at(&scale, host + step) + offset - guest_now;
        u128 exact = (u128)step * scale.multiplier; // in 2^-fraction cycles
        u128 floor = exact >> format.fraction_bits;
        assert_true(went_on == (uint64_t)floor || went_on == (uint64_t)(floor + 1));
    }
}

// Deadlines: never early from any phase of the counter, and no host cycle more than the worst phase needs.
static void deadlines(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        struct counterscale_format format = round % 2 ? vmx : svm;
        uint64_t guest_hz, host_hz;
        struct counterscale scale = some(format, &guest_hz, &host_hz);
        uint64_t wait = host_random_edgy(&seed) >> 24, host = host_random_edgy(&seed) >> 20;
        uint64_t cycles = counterscale_host_cycles(scale, wait);
        assert_true(counterscale_at(&scale, host + cycles) - counterscale_at(&scale, host) >= wait);
        // From a counter whose fraction is 0, one cycle less is early.
        if (cycles != 0)
            assert_true((u128)(cycles - 1) * scale.multiplier < (u128)wait << format.fraction_bits);
        assert_true(wait == 0 || cycles != 0);
    }
    struct counterscale slow = { .multiplier = 1, .fraction_bits = 48 };
    assert_int_equal(counterscale_host_cycles(slow, 65535), UINT64_C(65535) << 48);
    assert_int_equal(counterscale_host_cycles(slow, 65536), TIME_NEVER);
    assert_int_equal(counterscale_host_cycles(slow, UINT64_MAX - 1), TIME_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(error_bound),
        cmocka_unit_test(counters_go_on),
        cmocka_unit_test(deadlines),
    };
    return cmocka_run_group_tests_name("counterscale", tests, NULL, NULL);
}
