// SPDX-License-Identifier: MIT
// The timer queue against an array that is searched from end to end at every question. Random sets, moves, removals
// and pops, with many equal deadlines; the ring's links are checked after each.
#include "time/timerq.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define TIMERS     24
#define OPERATIONS 200000

struct entry {
    bool queued;
    vtime_t deadline;
    uint32_t rank;
    uint64_t order; // when it was queued
};

static const struct entry *earliest(const struct entry *model)
{
    const struct entry *best = NULL;
    for (unsigned i = 0; i < TIMERS; i++) {
        const struct entry *e = &model[i];
        if (!e->queued)
            continue;
        if (best == NULL || e->deadline < best->deadline ||
            (e->deadline == best->deadline &&
             (e->rank < best->rank || (e->rank == best->rank && e->order < best->order))))
            best = e;
    }
    return best;
}

static void check_ring(const struct timerq *queue, const struct timer *timers, const struct entry *model)
{
    unsigned queued = 0, linked = 0;
    for (unsigned i = 0; i < TIMERS; i++) {
        assert_true(timer_queued(&timers[i]) == model[i].queued);
        queued += model[i].queued;
    }
    for (const struct timer *t = queue->head.next; t != &queue->head; t = t->next, linked++) {
        assert_true(t->next->prev == t && t->prev->next == t);
        assert_true(t->deadline != TIME_NEVER && t->deadline <= t->next->deadline);
    }
    assert_true(queued == linked);
    const struct entry *first = earliest(model);
    assert_true(timerq_next(queue) == (first != NULL ? first->deadline : TIME_NEVER));
}

static vtime_t random_deadline(uint64_t *random, vtime_t now)
{
    switch (host_random(random) % 8) {
    case 0: return TIME_NEVER;
    case 1: return TIME_NEVER - 1;
    case 2: return host_random(random) % (now + 1);
    case 3: return host_random(random);
    default: return now + host_random(random) % 8; // collisions
    }
}

static void pop(struct timerq *queue, struct timer *timers, struct entry *model, vtime_t now)
{
    const struct entry *first = earliest(model);
    struct timer *timer = timerq_pop_due(queue, now);
    if (first == NULL || first->deadline > now) {
        assert_null(timer);
        return;
    }
    assert_non_null(timer);
    assert_true(timer == &timers[first - model]);
    assert_true(timer->owner == (uint32_t)(first - model) && timer->deadline == first->deadline);
    model[first - model].queued = false;
}

static void test_against_array(void **state)
{
    (void)state;
    struct timerq queue;
    struct timer timers[TIMERS] = { 0 };
    struct entry model[TIMERS] = { 0 };
    uint64_t random = 21, order = 0, popped = 0;
    vtime_t now = 0;
    timerq_init(&queue);
    for (uint32_t i = 0; i < TIMERS; i++) {
        timers[i].owner = i;
        timers[i].rank = model[i].rank = i % 5;
    }
    for (unsigned n = 0; n < OPERATIONS; n++) {
        unsigned i = (unsigned)(host_random(&random) % TIMERS);
        switch (host_random(&random) % 4) {
        case 0:
            timerq_remove(&timers[i]);
            model[i].queued = false;
            break;
        case 1:
            now += host_random(&random) % 8;
            popped += earliest(model) != NULL && earliest(model)->deadline <= now;
            pop(&queue, timers, model, now);
            break;
        default: {
            vtime_t deadline = random_deadline(&random, now);
            timerq_set(&queue, &timers[i], deadline);
            if (!model[i].queued || model[i].deadline != deadline)
                model[i].order = order++;
            model[i].queued = deadline != TIME_NEVER;
            model[i].deadline = deadline;
        }
        }
        check_ring(&queue, timers, model);
    }
    assert_true(popped > OPERATIONS / 10);
    print_message("# timerq: %u operations against an array, %llu timers fired in order\n", (unsigned)OPERATIONS,
                  (unsigned long long)popped);
}

static void test_order_of_equals(void **state)
{
    (void)state;
    struct timerq queue;
    struct timer a = { .rank = 1 }, b = { .rank = 0 }, c = { .rank = 1 }, d = { .rank = 1 };
    timerq_init(&queue);
    assert_true(timerq_next(&queue) == TIME_NEVER && timerq_pop_due(&queue, TIME_NEVER) == NULL);
    timerq_set(&queue, &a, 100);
    timerq_set(&queue, &c, 50);
    timerq_set(&queue, &d, 100);
    timerq_set(&queue, &b, 100);
    timerq_set(&queue, &c, 100); // moved: now after d
    timerq_set(&queue, &a, 100); // not moved: keeps its place
    assert_null(timerq_pop_due(&queue, 99));
    assert_true(timerq_pop_due(&queue, 100) == &b);
    assert_true(timerq_pop_due(&queue, 100) == &a);
    assert_true(timerq_pop_due(&queue, 100) == &d);
    assert_true(timerq_pop_due(&queue, TIME_NEVER) == &c);
    assert_false(timer_queued(&a) || timer_queued(&b) || timer_queued(&c) || timer_queued(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_array),
        cmocka_unit_test(test_order_of_equals),
    };
    return cmocka_run_group_tests_name("timerq", tests, NULL, NULL);
}
