// SPDX-License-Identifier: MIT
// The timer queue: absolute deadlines in V, sorted, intrusive, no allocation. Only the head concerns the hardware: it
// is the next alarm. Equal deadlines fire in `rank` order, then in the order they were queued, so a run is repeatable.
#ifndef TIME_TIMERQ_H
#define TIME_TIMERQ_H

#include "time/units.h"

struct timer {
    struct timer *next, *prev; // both null while not queued
    vtime_t       deadline;
    uint32_t      rank;  // device priority among equal deadlines, lower first
    uint32_t      owner; // index the caller finds its device by
};

struct timerq {
    struct timer head; // sentinel of the ring; head.next is the earliest
};

void    timerq_init(struct timerq *queue);
bool    timer_queued(const struct timer *timer);

// Queues `timer` for `deadline`, moving it when it is queued already. TIME_NEVER takes it off the queue.
// Set to the deadline it already has, it keeps its place.
void    timerq_set(struct timerq *queue, struct timer *timer, vtime_t deadline);
void    timerq_remove(struct timer *timer);

// The earliest deadline, TIME_NEVER when empty.
static inline vtime_t timerq_next(const struct timerq *queue)
{
    return queue->head.next->deadline;
}

// Takes off and returns the earliest timer with deadline <= now, or null.
struct timer *timerq_pop_due(struct timerq *queue, vtime_t now);

#endif
