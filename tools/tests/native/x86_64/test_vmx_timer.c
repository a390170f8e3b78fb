// SPDX-License-Identifier: MIT
// The VMX-preemption timer against a model that counts as the manual says: one down at each change of a bit of the TSC.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "arch/x86_64/vmx/timer.h"
#include "tools/tests/native/host.h"

// The model: the TSC goes on by 1 from `entry`, the timer by one down when bit `rate` changes. When does it reach 0?
static uint64_t runs_out(uint64_t entry, uint32_t value, unsigned rate)
{
    uint64_t tsc = entry;
    while (value != 0) {
        uint64_t before = tsc++;
        if (((before ^ tsc) >> rate & 1) != 0)
            value--;
    }
    return tsc - entry;
}

static void counts_as_the_model(void **state)
{
    (void)state;
    uint64_t seed = 52, worst_late = 0;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned rate = (unsigned)host_random_range(&seed, 0, 8);
        uint64_t step = UINT64_C(1) << rate, entry = host_random_edgy(&seed);
        uint64_t cycles = host_random_range(&seed, 0, 20 * step);
        uint32_t value = vmx_timer_value(entry, cycles, rate);
        uint64_t after = runs_out(entry, value, rate);
        assert_in_range(after, cycles, cycles + step - 1);
        if (cycles != 0) // one less would be early: no later than it must
            assert_true(value != 0 && runs_out(entry, value - 1, rate) < cycles);
        worst_late = after - cycles > worst_late ? after - cycles : worst_late;
    }
    print_message("# 20000 alarms, rates 2^0 to 2^8: none early, worst %lu cycles late\n", worst_late);
    assert_int_equal(worst_late, 255);
}

// All rates and sizes, by the closed form in 128 bits: the step at or after the deadline.
static void holds_for_all_sizes(void **state)
{
    (void)state;
    uint64_t seed = 53, cut = 0;
    for (unsigned round = 0; round < 200000; round++) {
        unsigned rate = (unsigned)host_random_range(&seed, 0, 31);
        uint64_t entry = host_random_edgy(&seed), cycles = host_random_edgy(&seed), step = UINT64_C(1) << rate;
        uint32_t value = vmx_timer_value(entry, cycles, rate);
        unsigned __int128 deadline = (unsigned __int128)entry + cycles;
        unsigned __int128 fires = (((unsigned __int128)entry >> rate) + value) << rate;
        unsigned __int128 wanted = ((deadline + step - 1) >> rate) - (entry >> rate);
        if (wanted > UINT32_MAX) {
            assert_int_equal(value, UINT32_MAX);
            cut++;
            continue;
        }
        if (cycles == 0 && (entry & (step - 1)) == 0)
            assert_int_equal(value, 0);
        assert_true(fires >= deadline && fires - deadline < step);
    }
    assert_in_range(cut, 1000, 199000);
}

static void broken_steppings(void **state)
{
    (void)state;
    static const uint32_t list[] = { 0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5, 0x20652, 0x20655, 0x206e6, 0x306a8 };
    unsigned found = 0;
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        assert_true(vmx_timer_broken(list[i]));
        assert_true(vmx_timer_broken(list[i] | UINT32_C(0xf000c000))); // reserved bits say nothing
    }
    for (uint32_t signature = 0; signature < 0x01000000; signature++) {
        if ((signature & 0xc000) == 0)
            found += vmx_timer_broken(signature);
    }
    assert_int_equal(found, 9);
    assert_false(vmx_timer_broken(0x306a9)); // the stepping of every other Ivy Bridge
    assert_false(vmx_timer_broken(0x50654)); // Bochs' corei7_skylake_x
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_as_the_model),
        cmocka_unit_test(holds_for_all_sizes),
        cmocka_unit_test(broken_steppings),
    };
    return cmocka_run_group_tests_name("vmx_timer", tests, NULL, NULL);
}
