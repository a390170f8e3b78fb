// SPDX-License-Identifier: MIT
// The barriers of arm64's processors, by what their ID registers say, with and without firmware that has workarounds;
// and all combinations: what is done is enough, or said not to be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "arch/arm64/barrier_plan.h"

#define ABSENT (-1)

struct processor {
    const char *name;
    struct barrier_facts facts;
    struct barrier_plan plan;
};

static const struct processor processors[] = {
    { "Cortex-A57, QEMU's firmware", { 0, 0, 0, ABSENT, ABSENT }, { 0, false, true } },
    { "Cortex-A57, firmware of 2018", { 0, 0, 0, 0, ABSENT }, { SMCCC_WORKAROUND_1, false, true } },
    { "Cortex-A57, firmware of 2022", { 0, 0, 0, 0, 0 }, { SMCCC_WORKAROUND_3, false, false } },
    { "Cortex-A53: firmware knows that it does not predict so far", { 0, 0, 0, 1, 1 }, { 0, false, false } },
    { "Neoverse N1, QEMU's firmware", { 1, 0, 0, ABSENT, ABSENT }, { 0, false, true } },
    { "Neoverse N1, firmware of 2022", { 1, 0, 0, 1, 0 }, { SMCCC_WORKAROUND_3, false, false } },
    { "CLRBHB, no firmware", { 2, 0, 1, ABSENT, ABSENT }, { 0, true, false } },
    { "CLRBHB, and old firmware for the rest", { 0, 0, 1, 0, ABSENT }, { SMCCC_WORKAROUND_1, true, false } },
    { "ECBHB", { 2, 1, 0, ABSENT, ABSENT }, { 0, false, false } },
    { "QEMU 7.2's max", { 2, 0, 0, ABSENT, ABSENT }, { 0, false, true } },
    { "CSV2 3", { 3, 0, 0, ABSENT, ABSENT }, { 0, false, false } },
};

static void same(struct barrier_plan a, struct barrier_plan b, const char *name)
{
    if (a.call != b.call || a.clears_history != b.clears_history || a.open != b.open)
        fail_msg("%s: call %#x, CLRBHB %d, open %d", name, a.call, a.clears_history, a.open);
}

static void processors_that_exist(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++)
        same(barrier_plan(&processors[i].facts), processors[i].plan, processors[i].name);
}

// What is done covers what is needed, or is said to be open; nothing is called that firmware has not got or says is in
// vain.
static void covered_or_open(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned n = 0; n < 5 * 2 * 2 * 3 * 3; n++) {
        struct barrier_facts f = { n % 5, n / 5 % 2, n / 10 % 2, (int32_t)(n / 20 % 3) - 1, (int32_t)(n / 60) - 1 };
        struct barrier_plan plan = barrier_plan(&f);
        bool by_3 = plan.call == SMCCC_WORKAROUND_3, by_1 = plan.call == SMCCC_WORKAROUND_1 || by_3;
        bool history_safe = f.csv2 >= 3 || f.ecbhb != 0 || f.workaround_3 == 1 || by_3 || plan.clears_history;
        bool branches_safe = f.csv2 >= 1 || f.workaround_1 == 1 || f.workaround_3 == 1 || by_1;
        assert_int_equal(plan.open, !(history_safe && branches_safe));
        assert_true(!by_3 || f.workaround_3 == 0);
        assert_true(plan.call != SMCCC_WORKAROUND_1 || f.workaround_1 == 0);
        assert_true(!plan.clears_history || f.clrbhb != 0);
        if (f.csv2 >= 3)
            assert_true(plan.call == 0 && !plan.clears_history);
        seen |= 1u << (plan.call != 0 ? by_3 ? 2 : 1 : 0) | (plan.clears_history ? 8u : 0) | (plan.open ? 16u : 0);
    }
    assert_int_equal(seen, 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processors_that_exist),
        cmocka_unit_test(covered_or_open),
    };
    return cmocka_run_group_tests_name("barrier_arm64", tests, NULL, NULL);
}
