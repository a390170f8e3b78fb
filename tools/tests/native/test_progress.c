// SPDX-License-Identifier: MIT
// The rule of progress on ledgers as the run loop makes them: the budget is of the monitor's time alone, one cycle of
// the guest's begins it anew, and it is met to the cycle.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "time/progress.h"
#include "tools/tests/native/host.h"

#define BUDGET UINT64_C(1000000)
#define SWITCH 20u

static struct ledger   ledger;
static struct progress progress;
static htime_t         now;

static void fresh(void)
{
    now = 5000;
    progress = (struct progress){ 0 };
    ledger_open(&ledger, ACCOUNT_MONITOR, now);
}

// The monitor works, then the guest has so many cycles.
static void exit_after(uint64_t monitor_cycles, uint64_t guest_cycles)
{
    htime_t t0 = now + monitor_cycles, t1 = t0 + SWITCH + guest_cycles;
    assert_int_equal(ledger_slice(&ledger, t0, t1, SWITCH), guest_cycles);
    now = t1;
}

static void another_account(enum account account, uint64_t cycles)
{
    ledger_turn(&ledger, account, now);
    now += cycles;
    ledger_turn(&ledger, ACCOUNT_MONITOR, now);
}

// As the run loop asks: what exits have left to the monitor is posted first.
static bool over(void)
{
    ledger_turn(&ledger, ACCOUNT_MONITOR, now);
    return progress_is_over(&progress, &ledger, BUDGET);
}

static void exits_without_an_instruction(void **state)
{
    (void)state;
    fresh();
    exit_after(100, 7);
    assert_false(over());
    for (uint64_t spent = 1000 + SWITCH; spent < BUDGET; spent += 1000 + SWITCH) {
        exit_after(1000, 0);
        assert_false(over());
    }
    exit_after(1000, 0);
    assert_true(over());
}

static void to_the_cycle(void **state)
{
    (void)state;
    fresh();
    exit_after(100, 1);
    assert_false(over());
    exit_after(BUDGET - SWITCH - 1, 0);
    assert_false(over());
    now++;
    assert_true(over());
}

static void one_cycle_begins_it_anew(void **state)
{
    (void)state;
    fresh();
    for (unsigned i = 0; i < 100; i++) {
        exit_after(BUDGET / 2, 0);
        assert_false(over());
        exit_after(BUDGET * 3, 1);
        assert_false(over());
    }
}

static void what_others_do_does_not_count(void **state)
{
    (void)state;
    fresh();
    exit_after(100, 1);
    assert_false(over());
    for (unsigned i = 0; i < 10; i++) {
        another_account(ACCOUNT_IDLE, BUDGET * 2);
        another_account(ACCOUNT_PAUSED, BUDGET * 2);
        another_account(ACCOUNT_STOLEN, BUDGET * 2);
        another_account(ACCOUNT_HOST, BUDGET * 2);
        exit_after(1000, 0);
        assert_false(over());
    }
}

static void from_the_start(void **state)
{
    (void)state;
    fresh();
    exit_after(BUDGET - SWITCH - 1, 0);
    assert_false(over());
    exit_after(1, 0);
    assert_true(over());
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(exits_without_an_instruction),
        cmocka_unit_test(to_the_cycle),
        cmocka_unit_test(one_cycle_begins_it_anew),
        cmocka_unit_test(what_others_do_does_not_count),
        cmocka_unit_test(from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
