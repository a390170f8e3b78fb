// SPDX-License-Identifier: MIT
// The sorted ring of timers: see timerq.h. Called by the bus after each access and by the run loop before each entry.
// A VM has about ten timers, so a walk from the earliest is the whole algorithm. The sentinel carries TIME_NEVER, which
// is also the right answer for an empty queue. Never allocates, never compares times modulo 2^64.
#include "time/timerq.h"

void timerq_init(struct timerq *queue)
{
    queue->head = (struct timer){ .next = &queue->head, .prev = &queue->head, .deadline = TIME_NEVER };
}

bool timer_queued(const struct timer *timer)
{
    HOT_INVARIANT((timer->next == NULL) == (timer->prev == NULL));
    return timer->next != NULL;
}

static bool due_before(const struct timer *a, const struct timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->rank < b->rank;
}

static void insert_before(struct timer *place, struct timer *timer)
{
    timer->next = place;
    timer->prev = place->prev;
    place->prev->next = timer;
    place->prev = timer;
}

// Goes after every timer it is not strictly before, so that equal ones keep the order they came in. The bus sets a
// device's timer after every access, mostly to the deadline it has: that must cost nothing.
void timerq_set(struct timerq *queue, struct timer *timer, vtime_t deadline)
{
    if (timer_queued(timer)) {
        if (timer->deadline == deadline)
            return;
        timerq_remove(timer);
    }
    timer->deadline = deadline;
    if (deadline == TIME_NEVER)
        return;
    struct timer *place = queue->head.next;
    while (place != &queue->head && !due_before(timer, place))
        place = place->next;
    insert_before(place, timer);
}

void timerq_remove(struct timer *timer)
{
    if (!timer_queued(timer))
        return;
    HOT_INVARIANT(timer->prev->next == timer && timer->next->prev == timer);
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->next = NULL;
    timer->prev = NULL;
}

struct timer *timerq_pop_due(struct timerq *queue, vtime_t now)
{
    struct timer *first = queue->head.next;
    if (first == &queue->head || first->deadline > now)
        return NULL;
    timerq_remove(first);
    return first;
}
