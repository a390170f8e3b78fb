// SPDX-License-Identifier: MIT
// The guest's performance monitors against a model that keeps 128-bit sums: random accesses between random amounts of
// cycles and instructions at both levels. And what each register holds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/pmu.h"
#include "tools/tests/native/host.h"

#define ROUNDS   300000
#define IDENTITY UINT32_C(0x410c0000)
#define P        (UINT32_C(1) << 31)
#define U        (UINT32_C(1) << 30)
#define E        1u
#define LC       0x40u

static struct pmu pmu;
static struct pmu_counts now;

static void pass(uint64_t at_el0, uint64_t at_el1)
{
    now.cycles[0] += at_el0;
    now.cycles[1] += at_el1;
    now.instructions[0] += at_el0 / 2;
    now.instructions[1] += at_el1 / 2;
}

static uint64_t get(enum pmu_register reg)
{
    pmu_count(&pmu, &now);
    return pmu_read(&pmu, reg);
}

static void put(enum pmu_register reg, uint64_t value)
{
    pmu_count(&pmu, &now);
    pmu_write(&pmu, reg, value);
}

static void fresh(unsigned event_counters, bool retired)
{
    pmu_init(&pmu, IDENTITY, event_counters, retired);
    put(PMU_PMCNTENSET, UINT32_MAX);
    put(PMU_PMCR, E | LC);
}

static void test_filters(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        uint64_t cycles;
    } filters[] = { { 0, 107 }, { P, 7 }, { U, 100 }, { P | U, 0 } };
    for (unsigned i = 0; i < 4; i++) {
        fresh(1, true);
        put(PMU_PMCCFILTR, filters[i].type | 0x0fffffff);
        assert_int_equal(get(PMU_PMCCFILTR), filters[i].type);
        put(PMU_PMEVTYPER0, filters[i].type | PMU_INST_RETIRED);
        pass(7, 100);
        assert_int_equal(get(PMU_PMCCNTR), filters[i].cycles);
        assert_int_equal(get(PMU_PMEVCNTR0), filters[i].cycles / 2);
        put(PMU_PMCR, LC);
        pass(7, 100);
        assert_int_equal(get(PMU_PMCCNTR), filters[i].cycles);
    }
}

static void test_reads_take_a_cycle(void **state)
{
    (void)state;
    fresh(1, true);
    pass(0, 16);
    assert_int_equal(get(PMU_PMCCNTR), 16);
    assert_int_equal(get(PMU_PMCCNTR), 17);
    pass(0, 1);
    assert_int_equal(get(PMU_PMCCNTR), 18);
    put(PMU_PMCR, LC);
    assert_int_equal(get(PMU_PMCCNTR), 18); // it does not go back
    put(PMU_PMCR, E | LC);
    pass(0, 16);
    assert_int_equal(get(PMU_PMCCNTR), 33); // and what was shown too early is not counted twice
}

static void test_registers(void **state)
{
    (void)state;
    fresh(0, false);
    assert_int_equal(get(PMU_PMCR), IDENTITY | E | LC);
    assert_int_equal(get(PMU_PMCNTENSET), P);
    assert_int_equal(get(PMU_PMCEID0), 0x20001);
    put(PMU_PMEVTYPER0, PMU_CPU_CYCLES);
    assert_int_equal(get(PMU_PMEVTYPER0), 0);
    fresh(1, true);
    assert_int_equal(get(PMU_PMCR), IDENTITY | 1u << 11 | E | LC);
    assert_int_equal(get(PMU_PMCEID0), 0x20101);
    assert_int_equal(get(PMU_PMCNTENCLR), P | 1);
    put(PMU_PMSELR, 31);
    put(PMU_PMXEVTYPER, U);
    assert_int_equal(get(PMU_PMCCFILTR), U);
    assert_int_equal(get(PMU_PMXEVTYPER), U);
    put(PMU_PMSELR, 0);
    put(PMU_PMXEVTYPER, PMU_SW_INCR);
    put(PMU_PMXEVCNTR, UINT32_MAX);
    put(PMU_PMSWINC, 3);
    assert_int_equal(get(PMU_PMXEVCNTR), 0);
    assert_int_equal(get(PMU_PMOVSSET), 1);
    put(PMU_PMOVSCLR, 1);
    assert_int_equal(get(PMU_PMOVSCLR), 0);
    put(PMU_PMSELR, 5); // none of these
    put(PMU_PMXEVCNTR, 77);
    assert_int_equal(get(PMU_PMXEVCNTR) + get(PMU_PMXEVTYPER), 0);
    put(PMU_PMINTENSET, UINT32_MAX);
    put(PMU_PMINTENCLR, 1);
    assert_int_equal(get(PMU_PMINTENSET), P);
    put(PMU_PMCCNTR, UINT32_MAX);
    put(PMU_PMCR, E); // 32 bits
    pass(0, 1);
    assert_int_equal(get(PMU_PMCCNTR), UINT64_C(1) << 32);
    assert_int_equal(get(PMU_PMOVSSET), P);
    put(PMU_PMCR, 6);
    assert_int_equal(get(PMU_PMCCNTR) + get(PMU_PMEVCNTR0), 0);
}

// Less than before is no time, and no overflow; what comes after it is counted from where it was. A counter that is off
// has no before.
static void test_measured_short(void **state)
{
    (void)state;
    fresh(1, true);
    put(PMU_PMEVTYPER0, PMU_CPU_CYCLES);
    pass(20, 100);
    assert_int_equal(get(PMU_PMEVCNTR0), 120);
    now.cycles[0] -= 5;
    now.cycles[1] -= 30;
    assert_int_equal(get(PMU_PMEVCNTR0), 120);
    assert_int_equal(get(PMU_PMCCNTR), 120);
    assert_int_equal(get(PMU_PMOVSSET), 0);
    pass(5, 40);
    assert_int_equal(get(PMU_PMEVCNTR0), 130);
    put(PMU_PMCR, LC);
    now = (struct pmu_counts){ { 7, 7 }, { 7, 7 } };
    put(PMU_PMCR, E | LC);
    pass(0, 3);
    assert_int_equal(get(PMU_PMEVCNTR0), 133);
}

// The value of a counter is what was written plus all that came while it ran, and it overflowed if that is more.
static void test_random(void **state)
{
    (void)state;
    uint64_t random = 1;
    unsigned overflows = 0;
    fresh(1, true);
    put(PMU_PMEVTYPER0, PMU_CPU_CYCLES);
    unsigned __int128 cycles = 0, event = 0;
    bool on = true;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t dice = host_random(&random), more = host_random(&random) >> (dice >> 8) % 40;
        more &= UINT32_MAX; // as far apart as accesses are looked at
        pass(0, more);
        cycles += on ? more : 0;
        event += on ? more : 0;
        switch (dice % 8) {
        case 0:
            on = !on;
            put(PMU_PMCR, LC | on);
            break;
        case 1:
            more = host_random(&random) | (dice & 128 ? UINT64_MAX << 33 : 0);
            cycles = more;
            put(PMU_PMCCNTR, more);
            put(PMU_PMOVSCLR, P);
            break;
        case 2:
            more = (uint32_t)host_random(&random);
            event = more;
            put(PMU_PMEVCNTR0, more);
            put(PMU_PMOVSCLR, 1);
            break;
        default:
            assert_int_equal(get(PMU_PMEVCNTR0), (uint32_t)event);
            assert_int_equal(get(PMU_PMOVSSET), (event >> 32 != 0 ? 1 : 0) | (cycles >> 64 != 0 ? P : 0));
            overflows += event >> 32 != 0;
            break;
        }
    }
    assert_true(overflows > ROUNDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_reads_take_a_cycle),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_measured_short),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
