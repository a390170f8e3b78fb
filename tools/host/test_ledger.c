// SPDX-License-Identifier: MIT
// needs: time/ledger.c
// libs: -lgmp
// The ledger closes after every operation of every sequence (law 6, M18), and the guest's account is the signed sum
// that GMP computes from the slices: never more, never less, however short the slices were.
#include "time/ledger.h"
#include "tools/host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <gmp.h>

#define RUNS       200
#define OPERATIONS 500

struct model {
    uint64_t total[ACCOUNT_COUNT];
    mpz_t settled;   // sum over the slices of (t1 - t0) - cost, signed
    uint64_t earned; // the largest that it ever was
    uint64_t underflows;
    htime_t now;
    unsigned open;
};

// One slice. What the guest has earned so far is the largest that the signed sum ever was: cycles given are never taken
// back, they are owed.
static void slice(struct ledger *ledger, struct model *model, uint64_t gap, uint64_t elapsed, uint64_t cost)
{
    htime_t t0 = model->now + gap;
    htime_t t1 = t0 + elapsed;
    uint64_t before = model->earned;
    uint64_t got = ledger_slice(ledger, t0, t1, cost);
    mpz_add_ui(model->settled, model->settled, elapsed);
    mpz_sub_ui(model->settled, model->settled, cost);
    if (mpz_cmp_ui(model->settled, before) >= 0)
        model->earned = mpz_get_ui(model->settled);
    else
        model->underflows++;
    uint64_t guest = model->earned - before;
    model->total[model->open] += gap;
    model->total[ACCOUNT_GUEST] += guest;
    model->total[ACCOUNT_MONITOR] += elapsed - guest;
    model->now = t1;
    assert_true(got == guest);
}

static void check(const struct ledger *ledger, struct model *model, uint64_t *random)
{
    uint64_t sum = 0;
    for (unsigned account = 0; account < ACCOUNT_COUNT; account++) {
        assert_true(ledger->total[account] == model->total[account]);
        sum += ledger->total[account];
    }
    assert_true(sum == model->now - ledger->start);
    assert_true(ledger->since == model->now);
    assert_true(ledger->underflows == model->underflows);
    assert_true(ledger->open == model->open);
    assert_true(ledger_gap(ledger, model->now) == 0);
    assert_true(ledger_gap(ledger, model->now + (host_random(random) >> 20)) == 0);
    mpz_t debt;
    mpz_init(debt);
    mpz_sub_ui(debt, model->settled, model->earned);
    assert_true(mpz_cmp_si(debt, ledger->debt) == 0);
    mpz_clear(debt);
}

static void turn(struct ledger *ledger, struct model *model, uint64_t passed, enum account next)
{
    model->now += passed;
    model->total[model->open] += passed;
    model->open = next;
    ledger_turn(ledger, next, model->now);
}

static void random_operation(struct ledger *ledger, struct model *model, uint64_t *random)
{
    uint64_t passed = host_random_edgy(random) >> 20; // below 2^44: the whole run stays below 2^64
    if (host_random(random) % 3 == 0) {
        turn(ledger, model, passed, (enum account)(host_random(random) % ACCOUNT_COUNT));
        return;
    }
    if (model->open != ACCOUNT_MONITOR)
        turn(ledger, model, passed, ACCOUNT_MONITOR);
    uint64_t cost = host_random(random) % 5 == 0 ? host_random(random) >> 44 : 4; // 4: a null guest under icount
    uint64_t shape = host_random(random) % 4;
    uint64_t elapsed = shape == 0 ? host_random_range(random, 0, cost) : shape == 1 ? cost : host_random(random) >> 40;
    slice(ledger, model, passed, elapsed, cost);
}

static void test_closes_after_every_operation(void **state)
{
    (void)state;
    uint64_t random = 11, underflows = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        struct model model = { .now = host_random(&random) >> 1, .open = run % ACCOUNT_COUNT };
        mpz_init(model.settled);
        struct ledger ledger;
        ledger_open(&ledger, (enum account)model.open, model.now);
        assert_true(ledger.start == model.now);
        for (unsigned i = 0; i < OPERATIONS; i++) {
            random_operation(&ledger, &model, &random);
            check(&ledger, &model, &random);
        }
        underflows += model.underflows;
        mpz_clear(model.settled);
    }
    assert_true(underflows > RUNS);
    print_message("# M18 gap of the ledger: 0 cycles after each of %u operations, %llu slices in debt\n",
                  (unsigned)(RUNS * OPERATIONS), (unsigned long long)underflows);
}

// M1 in arithmetic: the cost jitters around its calibrated value, so half of the empty slices are too short to pay it.
// With debt the sum is exact; clamping each slice at 0 invents guest cycles, and the test shows how many.
static void test_debt_keeps_the_sum(void **state)
{
    (void)state;
    const uint64_t cost = 980, slices = 100000;
    uint64_t random = 12, guest = 0, clamped = 0, now = 1000, surplus_high = 0, surplus_low = 0;
    struct ledger ledger;
    ledger_open(&ledger, ACCOUNT_MONITOR, now);
    for (uint64_t i = 0; i < slices; i++) {
        uint64_t jitter = host_random_range(&random, 0, 200);
        uint64_t elapsed = cost - 100 + jitter; // an empty slice: the guest executes nothing
        surplus_high += jitter > 100 ? jitter - 100 : 0;
        surplus_low += jitter < 100 ? 100 - jitter : 0;
        guest += ledger_slice(&ledger, now, now + elapsed, cost);
        clamped += elapsed > cost ? elapsed - cost : 0;
        now += elapsed;
    }
    assert_true(clamped == surplus_high);
    assert_true((int64_t)guest + ledger.debt == (int64_t)surplus_high - (int64_t)surplus_low);
    assert_true(guest == ledger.total[ACCOUNT_GUEST]);
    assert_true(clamped > 100 * (guest + 1));
    print_message("# M1 guest cycles of %llu empty slices with a jittering cost: %llu (%llu if clamped at 0)\n",
                  (unsigned long long)slices, (unsigned long long)guest, (unsigned long long)clamped);
}

static void test_constant_cost_has_no_bias(void **state)
{
    (void)state;
    static const uint64_t executed[] = { 0, 1, 10, 1000, 1000000 };
    struct ledger ledger;
    ledger_open(&ledger, ACCOUNT_MONITOR, 7);
    uint64_t now = 7;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(ledger_slice(&ledger, now + 33, now + 33 + 4 + executed[i], 4) == executed[i]);
        now += 33 + 4 + executed[i];
    }
    assert_true(ledger.debt == 0 && ledger.underflows == 0);
    assert_true(ledger.total[ACCOUNT_MONITOR] == 5 * 37 && ledger.total[ACCOUNT_GUEST] == 1001011);
    print_message("# M1 bias with a constant cost: 0 cycles for N in 0, 1, 10, 10^3, 10^6\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closes_after_every_operation),
        cmocka_unit_test(test_debt_keeps_the_sum),
        cmocka_unit_test(test_constant_cost_has_no_bias),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
