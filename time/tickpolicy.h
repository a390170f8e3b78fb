// SPDX-License-Identifier: MIT
// What happens to timer ticks that come due while the last one has not been taken: libvirt's four words.
//
//   delay    every tick is delivered, never closer together than one period
//   catchup  every tick is delivered, the next as soon as the last was taken
//   merge    ticks that wait together become one
//   discard  a tick that cannot be delivered at once is lost
//
// Whatever the policy, each tick is counted: expired == injected + pending + dropped (law 5).
#ifndef TIME_TICKPOLICY_H
#define TIME_TICKPOLICY_H

#include "time/units.h"

enum tick_policy { TICK_DELAY, TICK_CATCHUP, TICK_MERGE, TICK_DISCARD };

struct ticks {
    uint64_t expired, injected, dropped, pending;
    uint64_t pending_max;
    vtime_t  not_before; // delay: the earliest V of the next delivery
    uint8_t  policy;     // enum tick_policy
    uint8_t  reserved[7];
};

void ticks_init(struct ticks *ticks, enum tick_policy policy);

// `count` ticks have come due. deliverable: the line is free to take one now.
void ticks_expire(struct ticks *ticks, uint64_t count, bool deliverable);

// `count` ticks have come due for nobody: the guest does not want any.
void ticks_lose(struct ticks *ticks, uint64_t count);

// The guest stopped or reprogrammed the timer: ticks of its past that still wait are dropped.
void ticks_cancel(struct ticks *ticks);

// One tick to be injected now? Counts it as injected when true. period_cycles spaces deliveries under `delay`; round it
// down, so that ticks on time are never held back by a fraction of a cycle, which would add up.
// Ask again when the guest has taken the last one, or at ticks_retry().
bool ticks_take(struct ticks *ticks, vtime_t now, uint64_t period_cycles);

// When ticks_take() may be true again for pending ticks without any guest action; TIME_NEVER if nothing waits for time.
// A time that is past means the tick waits for the guest after all: queue no timer for it.
vtime_t ticks_retry(const struct ticks *ticks);

#endif
