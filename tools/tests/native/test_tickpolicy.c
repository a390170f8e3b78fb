// SPDX-License-Identifier: MIT
// Law 5 after every call under random sequences, and what each of the words promises, by counting ticks one at a
// time in a model that keeps a list of them.
#include "time/tickpolicy.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define OPERATIONS 100000

static const char *const NAME[] = { "hardware", "delay", "catchup", "merge", "discard" };

struct model {
    enum tick_policy policy;
    uint64_t expired, injected, dropped, pending, pending_max;
    bool delivered;
    vtime_t last; // when the last tick was delivered
    uint64_t spacing;
};

static void expire_one(struct model *model, bool deliverable)
{
    model->expired++;
    bool room = model->pending == 0;
    if (model->policy == TICK_MERGE && !room)
        model->dropped++;
    else if ((model->policy == TICK_DISCARD || model->policy == TICK_HARDWARE) && !(deliverable && room))
        model->dropped++;
    else
        model->pending++;
    if (model->pending > model->pending_max)
        model->pending_max = model->pending;
}

static bool take_one(struct model *model, vtime_t now, uint64_t period)
{
    if (model->pending == 0)
        return false;
    if (model->policy == TICK_DELAY && model->delivered && now - model->last < model->spacing)
        return false;
    model->pending--;
    model->injected++;
    model->delivered = true;
    model->last = now;
    model->spacing = period;
    return true;
}

static void check(const struct ticks *ticks, const struct model *model)
{
    assert_true(ticks->expired == ticks->injected + ticks->pending + ticks->dropped); // law 5
    assert_true(ticks->expired == model->expired && ticks->injected == model->injected);
    assert_true(ticks->dropped == model->dropped && ticks->pending == model->pending);
    assert_true(ticks->pending_max == model->pending_max);
    bool waits = model->policy == TICK_DELAY && model->pending != 0;
    vtime_t retry = waits ? (model->delivered ? model->last + model->spacing : 0) : TIME_NEVER;
    assert_true(ticks_retry(ticks) == retry);
}

static void test_random_sequences(void **state)
{
    (void)state;
    for (unsigned policy = TICK_HARDWARE; policy <= TICK_DISCARD; policy++) {
        struct ticks ticks;
        struct model model = { .policy = (enum tick_policy)policy };
        uint64_t random = 31 + policy, period = 100;
        vtime_t now = 0;
        ticks_init(&ticks, model.policy);
        for (unsigned n = 0; n < OPERATIONS; n++) {
            now += host_random(&random) % 3 == 0 ? host_random(&random) % 150 : 0;
            if (host_random(&random) % 3 == 0) {
                uint64_t count = host_random(&random) % 4;
                bool deliverable = host_random(&random) % 2;
                ticks_expire(&ticks, count, deliverable);
                for (uint64_t k = 0; k < count; k++)
                    expire_one(&model, deliverable);
            } else {
                assert_true(ticks_take(&ticks, now, period) == take_one(&model, now, period));
            }
            check(&ticks, &model);
        }
        print_message("# M7 %-7s expired %llu = injected %llu + pending %llu + dropped %llu\n", NAME[policy],
                      (unsigned long long)ticks.expired, (unsigned long long)ticks.injected,
                      (unsigned long long)ticks.pending, (unsigned long long)ticks.dropped);
        assert_true((ticks.dropped == 0) == (policy == TICK_DELAY || policy == TICK_CATCHUP));
        assert_true(ticks.injected > 0);
    }
}

// A guest that keeps interrupts off for ten periods out of a hundred, 1000 times, then takes ticks at once. The numbers
// follow from the definitions alone: 90 050 periods with interrupts on, 10 000 with them off.
static void run_blocked_guest(enum tick_policy policy, struct ticks *ticks, uint64_t *closest)
{
    const uint64_t period = 1000;
    vtime_t last = 0;
    *closest = UINT64_MAX;
    ticks_init(ticks, policy);
    for (uint64_t k = 1; k <= 100050; k++) {
        bool blocked = k % 100 >= 90;
        ticks_expire(ticks, 1, !blocked);
        for (vtime_t now = k * period; !blocked && now < (k + 1) * period; now += period / 4) { // a handler's length
            if (!ticks_take(ticks, now, period))
                continue;
            if (last != 0 && now - last < *closest)
                *closest = now - last;
            last = now;
        }
    }
}

static void test_blocked_guest(void **state)
{
    (void)state;
    struct ticks ticks;
    uint64_t closest;
    run_blocked_guest(TICK_CATCHUP, &ticks, &closest);
    assert_true(ticks.injected == 100050 && ticks.dropped == 0 && ticks.pending_max == 11 && closest == 250);
    run_blocked_guest(TICK_DELAY, &ticks, &closest);
    // Ten ticks of each hundred stay behind for ever, and the spacing never shrinks.
    assert_true(ticks.injected == 90050 && ticks.dropped == 0 && ticks.pending == 10000 && closest == 1000);
    run_blocked_guest(TICK_MERGE, &ticks, &closest);
    // Eleven wait when the guest opens again, ten blocked and the new one: one is delivered.
    assert_true(ticks.injected == 90050 && ticks.dropped == 10000 && ticks.pending_max == 1);
    run_blocked_guest(TICK_DISCARD, &ticks, &closest);
    assert_true(ticks.injected == 90050 && ticks.dropped == 10000 && ticks.pending_max == 1);
}

// Ticks on time are never held back, with a period that is no whole number of cycles: the deadline of tick k is
// ceil(k * 11932 * 3e9 / 1193182), the spacing the rounded-down period.
static void test_delay_lets_ticks_on_time_pass(void **state)
{
    (void)state;
    struct ticks ticks;
    ticks_init(&ticks, TICK_DELAY);
    for (uint64_t k = 1; k <= 100000; k++) {
        unsigned __int128 exact = (unsigned __int128)k * 11932 * 3000000000;
        vtime_t due = (vtime_t)((exact + 1193181) / 1193182);
        ticks_expire(&ticks, 1, true);
        assert_true(ticks_take(&ticks, due, UINT64_C(11932) * 3000000000 / 1193182));
    }
    assert_true(ticks.injected == 100000 && ticks.pending == 0 && ticks.pending_max == 1);
}

// A storm: counts as large as a guest can cause with a period of one cycle stay exact.
static void test_huge_counts(void **state)
{
    (void)state;
    for (unsigned policy = TICK_HARDWARE; policy <= TICK_DISCARD; policy++) {
        struct ticks ticks;
        ticks_init(&ticks, (enum tick_policy)policy);
        ticks_expire(&ticks, UINT64_MAX / 2, true);
        ticks_expire(&ticks, UINT64_MAX / 2, false);
        assert_true(ticks_take(&ticks, UINT64_MAX - 1, UINT64_MAX));
        assert_true(ticks.expired == UINT64_MAX - 1 && ticks.injected == 1);
        assert_true(ticks.pending + ticks.dropped == UINT64_MAX - 2);
        assert_true(ticks_retry(&ticks) == TIME_NEVER); // also `delay`: the end of time is never
    }
}

// A timer programmed anew keeps no distance to ticks of its old period.
static void test_a_new_period_does_not_wait_for_the_old_one(void **state)
{
    (void)state;
    struct ticks ticks;
    ticks_init(&ticks, TICK_DELAY);
    ticks_expire(&ticks, 2, true);
    assert_true(ticks_take(&ticks, 1000, 1000000));
    assert_true(ticks_retry(&ticks) == 1001000);
    ticks_cancel(&ticks);
    ticks_expire(&ticks, 1, true);
    assert_true(ticks_take(&ticks, 1010, 10));
    ticks_expire(&ticks, 1, true);
    assert_true(ticks_retry(&ticks) == 1020);
}

// What nobody wants is dropped under every policy, and touches nothing that waits.
static void test_lost_ticks(void **state)
{
    (void)state;
    for (enum tick_policy policy = TICK_HARDWARE; policy <= TICK_DISCARD; policy++) {
        struct ticks ticks;
        ticks_init(&ticks, policy);
        ticks_expire(&ticks, 1, true);
        ticks_lose(&ticks, UINT32_MAX);
        assert_true(ticks.expired == UINT64_C(0x100000000) && ticks.dropped == UINT32_MAX);
        assert_true(ticks.pending == 1 && ticks.pending_max == 1);
        assert_true(ticks_take(&ticks, 0, 10));
        assert_false(ticks_take(&ticks, 1000, 10));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sequences),
        cmocka_unit_test(test_blocked_guest),
        cmocka_unit_test(test_delay_lets_ticks_on_time_pass),
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_a_new_period_does_not_wait_for_the_old_one),
        cmocka_unit_test(test_lost_ticks),
    };
    return cmocka_run_group_tests_name("tickpolicy", tests, NULL, NULL);
}
