// SPDX-License-Identifier: MIT
// What happens to timer ticks that the host made late: what the chip does with what it sees, or libvirt's four words.
//
//   hardware  the chip remembers one request; every tick that finds it waiting is lost
//   delay     every tick is delivered, never closer together than one period
//   catchup   every tick is delivered, the next as soon as the last was taken
//   merge     ticks that wait together become one
//   discard   a tick that cannot be delivered at once is lost
//
// A tick that comes due while the guest itself keeps it out (by its interrupt flag, a priority, a long handler) or does
// not listen (by a mask) is the chip's business under every policy: see ticks_lose().
//
// Whatever the policy, each tick is counted: expired == injected + pending + dropped (law 5). Pending are the one that
// is in a chip and waits for the guest, and those that wait here to get there.
#ifndef TIME_TICKPOLICY_H
#define TIME_TICKPOLICY_H

#include "time/units.h"

enum tick_policy { TICK_HARDWARE, TICK_DELAY, TICK_CATCHUP, TICK_MERGE, TICK_DISCARD };

struct ticks {
    uint64_t expired, injected, dropped, pending;
    uint64_t pending_max;
    vtime_t  not_before; // delay: the earliest V of the next delivery
    uint8_t  policy;     // enum tick_policy
    uint8_t  raised;     // one of the pending ones is in a chip
    uint8_t  reserved[6];
};

void ticks_init(struct ticks *ticks, enum tick_policy policy);

// `count` ticks have come due. deliverable: the line is free to take one now.
void ticks_expire(struct ticks *ticks, uint64_t count, bool deliverable);

// `count` ticks have come due for nobody: the guest does not want any, or the chip still has the last one.
void ticks_lose(struct ticks *ticks, uint64_t count);

// The guest stopped, masked or reprogrammed the timer: ticks of its past that wait here are dropped. What is in a chip
// stays there.
void ticks_cancel(struct ticks *ticks);

// Does one of those that wait here go to the chip now? period_cycles spaces them under `delay`; round it down, so that
// ticks on time are never held back by a fraction of a cycle, which would add up.
// Ask again when the last one has left the chip, or at ticks_retry().
bool ticks_raise(struct ticks *ticks, vtime_t now, uint64_t period_cycles);

// The one in the chip has left it: the guest has taken it, or its line fell before that.
void ticks_taken(struct ticks *ticks);
void ticks_withdrawn(struct ticks *ticks);

// Raised and taken at once, where there is no chip between.
bool ticks_take(struct ticks *ticks, vtime_t now, uint64_t period_cycles);

// How many wait here.
uint64_t ticks_backlog(const struct ticks *ticks);

// When ticks_raise() may be true again for those that wait here without any guest action; TIME_NEVER if nothing waits
// for time. A time that is past means the tick waits for the guest after all: queue no timer for it.
vtime_t ticks_retry(const struct ticks *ticks);

#endif
