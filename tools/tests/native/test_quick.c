// SPDX-License-Identifier: MIT
// The short way's rules (vmm/quick.h): it books what the long way books, to the cycle and under both kinds of clock; it
// is over when V has come to where the run loop is to look, never before and never later; and what an answer has
// changed is seen at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tests/native/host.h"
#include "vmm/quick.h"

#define HZ    UINT64_C(1000000000)
#define START UINT64_C(123456789)
#define COST  UINT64_C(40)

static struct vm *fresh(enum clock_policy clock)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    assert_non_null(vm);
    vtime_start(&vm->vtime, clock, IDLE_WARP, HZ, (struct counterscale){ 0 }, START);
    timerq_init(&vm->machine.timers);
    trace_init(&vm->trace);
    vm->vcpu.vm = vm;
    vm->vcpu.last_t1 = START;
    vm->vcpu.paid_by = &vm->vcpu.stats.cost[EXIT_IGNORED];
    vm->vcpu.run_until = TIME_NEVER;
    vm->emulated_cycles[EXIT_PORT] = 700;
    ledger_open(&vm->vcpu.ledger, ACCOUNT_MONITOR, START);
    assert_true(machine_quiet(&vm->machine));
    return vm;
}

// A slice of `guest_cycles` after the monitor's work of `monitor_cycles`.
static struct slice slice_of(const struct vm *vm, uint64_t monitor_cycles, uint64_t guest_cycles)
{
    htime_t t0 = vm->vcpu.last_t1 + monitor_cycles;
    return (struct slice){ t0, t0 + COST + guest_cycles, COST };
}

// Exits on the short way beside the same ones on the long: all that is kept of them is the same, but for what says by
// which way.
static void books_like_the_long_way(enum clock_policy clock)
{
    static const enum exit_kind kinds[] = { EXIT_CPU_ID, EXIT_HYPERCALL, EXIT_PORT, EXIT_SYSREG_WRITE, EXIT_MMIO };
    struct vm *quick = fresh(clock), *slow = fresh(clock);
    uint64_t random = 5;
    for (unsigned i = 0; i < 100000; i++) {
        enum exit_kind kind = kinds[host_random(&random) % 5];
        uint64_t guest = host_random(&random) >> 44, monitor = host_random_range(&random, 60, 3000);
        if (host_random(&random) % 64 == 0 && guest > COST)
            guest = 0 - COST / 2; // a switch shorter than its cost: 40 - 20
        assert_true(quick_book(&quick->vcpu, kind, slice_of(quick, monitor, guest)));
        quick_rest(&quick->vcpu, kind);
        struct slice same = slice_of(slow, monitor, guest);
        vcpu_account(&slow->vcpu, &same, kind);
        vcpu_emulated_quick(&slow->vcpu, kind);
    }
    assert_memory_equal(&quick->vcpu.ledger, &slow->vcpu.ledger, sizeof(struct ledger));
    assert_memory_equal(&quick->vtime, &slow->vtime, sizeof(struct vtime));
    assert_memory_equal(&quick->vcpu.stats, &slow->vcpu.stats, sizeof(struct stats));
    assert_memory_equal(&quick->trace, &slow->trace, sizeof(struct trace));
    assert_true(quick->vcpu.last_t1 == slow->vcpu.last_t1 && quick->vcpu.stats.exits == 100000);
    assert_true(quick->vcpu.ledger.total[ACCOUNT_GUEST] != 0 && quick->vcpu.ledger.emulated != 0);
    assert_true(ledger_gap(&quick->vcpu.ledger, quick->vcpu.last_t1) == 0);
    if (clock == CLOCK_WALL)
        assert_true(quick->vtime.now == quick->vcpu.last_t1 - START);
    else
        assert_true(quick->vtime.now == quick->vcpu.ledger.total[ACCOUNT_GUEST]);
    free(quick);
    free(slow);
}

static void test_books_guest_time(void **state)
{
    (void)state;
    books_like_the_long_way(CLOCK_GUEST);
}

static void test_books_wall_time(void **state)
{
    (void)state;
    books_like_the_long_way(CLOCK_WALL);
}

// With the wall's clock V goes on while the monitor works and while the VM is paused, so it is the exit's and not what
// it was when the last exit was booked.
static void test_wall_after_a_pause(void **state)
{
    (void)state;
    struct vm *vm = fresh(CLOCK_WALL);
    struct vcpu *vcpu = &vm->vcpu;
    vcpu->run_until = 1000000;
    assert_true(quick_book(vcpu, EXIT_CPU_ID, slice_of(vm, 100, 50)));
    assert_true(quick_rest(vcpu, EXIT_CPU_ID) == 1000000 - 100 - COST - 50);
    ledger_turn(&vcpu->ledger, ACCOUNT_PAUSED, vcpu->last_t1);
    ledger_turn(&vcpu->ledger, ACCOUNT_MONITOR, vcpu->last_t1 + 900000);
    vcpu_not_monitor(vcpu, 900000);
    assert_true(quick_book(vcpu, EXIT_CPU_ID, slice_of(vm, 100, 50)));
    assert_true(quick_rest(vcpu, EXIT_CPU_ID) == 1000000 - 900000 - 2 * (100 + COST + 50));
    assert_true(vcpu->ledger.total[ACCOUNT_PAUSED] == 900000 && ledger_gap(&vcpu->ledger, vcpu->last_t1) == 0);
    free(vm);
}

static void test_over_where_the_loop_looks(void **state)
{
    (void)state;
    for (uint64_t guest = 990; guest <= 1010; guest++) {
        struct vm *vm = fresh(CLOCK_GUEST);
        vm->vcpu.run_until = 1000;
        bool goes_on = quick_book(&vm->vcpu, EXIT_HYPERCALL, slice_of(vm, 200, guest));
        assert_int_equal(goes_on, guest < 1000);
        if (goes_on)
            assert_true(quick_rest(&vm->vcpu, EXIT_HYPERCALL) == 1000 - guest);
        free(vm);
    }
}

// The run loop looks where it planned to, however many exits are answered before.
static void test_exits_do_not_put_it_off(void **state)
{
    (void)state;
    struct vm *vm = fresh(CLOCK_GUEST);
    vm->vcpu.run_until = 50000;
    unsigned answered = 0;
    while (quick_book(&vm->vcpu, EXIT_CPU_ID, slice_of(vm, 200, 7))) {
        quick_rest(&vm->vcpu, EXIT_CPU_ID);
        answered++;
    }
    assert_true(answered == 50000 / 7 && vm->vtime.now == 50001);
    free(vm);
}

static uint64_t rest_with_deadline(struct vm *vm, struct timer *timer, vtime_t deadline)
{
    timerq_set(&vm->machine.timers, timer, deadline);
    return quick_rest_if_any(&vm->vcpu, EXIT_PORT);
}

static void test_answers_that_change_something(void **state)
{
    (void)state;
    struct vm *vm = fresh(CLOCK_GUEST);
    struct vcpu *vcpu = &vm->vcpu;
    struct timer timer = { 0 };
    vcpu->run_until = 10000;
    assert_true(quick_book(vcpu, EXIT_PORT, slice_of(vm, 300, 1000)));
    assert_true(quick_rest_if_any(vcpu, EXIT_PORT) == 9000);
    assert_true(rest_with_deadline(vm, &timer, 20000) == 9000); // later: nothing changes
    assert_true(rest_with_deadline(vm, &timer, 10000) == 9000);
    assert_true(rest_with_deadline(vm, &timer, 5000) == 0);     // sooner: the run loop plans anew
    assert_true(vcpu->run_until == 5000);
    assert_true(rest_with_deadline(vm, &timer, 8000) == 4000);  // moved away: it ends early, which is no harm
    assert_true(rest_with_deadline(vm, &timer, 1000) == 0);     // due now: the run loop fires it
    assert_true(vcpu->run_until <= vm->vtime.now);
    timerq_remove(&timer);
    vcpu->run_until = 10000;
    assert_true(quick_rest_if_any(vcpu, EXIT_PORT) == 9000);
    vm->end = VM_POWER_OFF;
    assert_true(quick_rest_if_any(vcpu, EXIT_PORT) == 0);
    assert_true(vcpu->ledger.emulated == 8 * 700);
    free(vm);
}

// One deadline is due and something is pending at once: the run loop still sees that it is to look.
static void test_ended_and_due(void **state)
{
    (void)state;
    struct vm *vm = fresh(CLOCK_GUEST);
    struct timer timer = { 0 };
    vm->vcpu.run_until = 10000;
    assert_true(quick_book(&vm->vcpu, EXIT_PORT, slice_of(vm, 300, 1000)));
    vm->end = VM_POWER_OFF;
    assert_true(rest_with_deadline(vm, &timer, 900) == 0);
    assert_true(vm->vcpu.run_until == 900);
    free(vm);
}

static void test_looks_round(void **state)
{
    (void)state;
    struct vm *vm = fresh(CLOCK_GUEST);
    unsigned over = 0;
    for (unsigned i = 0; i < 10 * QUICK_ROUNDS; i++) {
        over += quick_is_over(&vm->vcpu);
        quick_book(&vm->vcpu, EXIT_CPU_ID, slice_of(vm, 100, 1));
    }
    assert_int_equal(over, 10);
    free(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_books_guest_time),
        cmocka_unit_test(test_books_wall_time),
        cmocka_unit_test(test_wall_after_a_pause),
        cmocka_unit_test(test_over_where_the_loop_looks),
        cmocka_unit_test(test_exits_do_not_put_it_off),
        cmocka_unit_test(test_answers_that_change_something),
        cmocka_unit_test(test_ended_and_due),
        cmocka_unit_test(test_looks_round),
    };
    return cmocka_run_group_tests_name("quick", tests, NULL, NULL);
}
