// SPDX-License-Identifier: MIT
// The ledger closes after every operation of every sequence (law 6, M18), and the guest's account is what GMP computes
// from the slices: what each took, less its cost as the shortest one so far has shown it.
#include "time/ledger.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <gmp.h>

#define RUNS       200
#define OPERATIONS 500

struct model {
    uint64_t total[ACCOUNT_COUNT];
    mpz_t least; // the least (t1 - t0) - cost of a slice, signed, 0 at first
    uint64_t underflows;
    htime_t now;
    unsigned open;
};

// One slice. A cost that is too high for the shortest slice is too high for each by as much, if it is so high.
static void slice(struct ledger *ledger, struct model *model, uint64_t gap, uint64_t elapsed, uint64_t cost)
{
    htime_t t0 = model->now + gap;
    htime_t t1 = t0 + elapsed;
    uint64_t got = ledger_slice(ledger, t0, t1, cost);
    mpz_t guest;
    mpz_init_set_ui(guest, elapsed);
    mpz_sub_ui(guest, guest, cost);
    if (mpz_cmp(guest, model->least) < 0) {
        mpz_set(model->least, guest);
        model->underflows++;
    }
    mpz_sub(guest, guest, model->least);
    uint64_t earned = mpz_cmp_ui(guest, elapsed) > 0 ? elapsed : mpz_get_ui(guest);
    mpz_clear(guest);
    model->total[model->open] += gap;
    model->total[ACCOUNT_GUEST] += earned;
    model->total[ACCOUNT_MONITOR] += elapsed - earned;
    model->now = t1;
    assert_true(got == earned);
}

static void check(const struct ledger *ledger, struct model *model, uint64_t *random)
{
    uint64_t sum = 0;
    for (unsigned account = 0; account < ACCOUNT_COUNT; account++) {
        uint64_t cycles = ledger->total[account] + (account == ledger->open ? model->now - ledger->since : 0);
        assert_true(cycles == model->total[account]);
        sum += cycles;
    }
    assert_true(sum == model->now - ledger->start);
    assert_true(ledger->underflows == model->underflows);
    assert_true(ledger->open == model->open);
    assert_true(ledger_gap(ledger, model->now) == 0);
    assert_true(ledger_gap(ledger, model->now + (host_random(random) >> 20)) == 0);
    assert_true(mpz_cmp_si(model->least, -(int64_t)ledger->excess) == 0);
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
        mpz_init(model.least);
        struct ledger ledger;
        ledger_open(&ledger, (enum account)model.open, model.now);
        assert_true(ledger.start == model.now);
        for (unsigned i = 0; i < OPERATIONS; i++) {
            random_operation(&ledger, &model, &random);
            check(&ledger, &model, &random);
        }
        underflows += model.underflows;
        mpz_clear(model.least);
    }
    assert_true(underflows > RUNS);
    print_message("# M18 gap of the ledger: 0 cycles after each of %u operations, %llu slices showed a cost too high\n",
                  (unsigned)(RUNS * OPERATIONS), (unsigned long long)underflows);
}

// What a guest reads is V at the entry and what has passed since its first instruction. It executes the same in every
// slice and reads at the end of it, and the switch takes what it likes: after the shortest one no later entry shows it
// less than it has read. With debt it did: what one slice owed was taken from what the guest had read in the next.
static void test_never_read_back(void **state)
{
    (void)state;
    const uint64_t cost = 980, executes = 50;
    uint64_t random = 12, v = 0, now = 1000, back = 0, moved = 0;
    struct ledger ledger;
    ledger_open(&ledger, ACCOUNT_MONITOR, now);
    ledger_slice(&ledger, now, now + cost - 100, cost); // the shortest there is, and empty
    now += cost;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t switches = cost - host_random_range(&random, 0, 100), read = v + executes;
        v += ledger_slice(&ledger, now, now + switches + executes, cost);
        back += v < read;
        moved += v > read;
        now += switches + executes;
    }
    assert_true(back == 0 && moved > 90000 && ledger.underflows == 1 && ledger.excess == 100);
    assert_true(ledger.total[ACCOUNT_GUEST] == v && ledger_gap(&ledger, now) == 0);
}

// A ledger knows of its own slices alone: the next VM's begins with what was calibrated.
static void test_nothing_is_inherited(void **state)
{
    (void)state;
    struct ledger ledger;
    ledger_open(&ledger, ACCOUNT_MONITOR, 0);
    assert_true(ledger_slice(&ledger, 0, 10, 100) == 0 && ledger.excess == 90);
    assert_true(ledger_slice(&ledger, 10, 110, 100) == 90 && ledger_slice(&ledger, 110, 120, 4) == 10);
    ledger_open(&ledger, ACCOUNT_MONITOR, 200);
    assert_true(ledger_slice(&ledger, 200, 300, 100) == 0 && ledger.excess == 0 && ledger.underflows == 0);
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
    ledger_turn(&ledger, ACCOUNT_MONITOR, now);
    assert_true(ledger.excess == 0 && ledger.underflows == 0);
    assert_true(ledger.total[ACCOUNT_MONITOR] == 5 * 37 && ledger.total[ACCOUNT_GUEST] == 1001011);
    print_message("# M1 bias with a constant cost: 0 cycles for N in 0, 1, 10, 10^3, 10^6\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closes_after_every_operation),
        cmocka_unit_test(test_never_read_back),
        cmocka_unit_test(test_nothing_is_inherited),
        cmocka_unit_test(test_constant_cost_has_no_bias),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
