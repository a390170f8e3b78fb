// SPDX-License-Identifier: MIT
// The words for late ticks: see tickpolicy.h. Called by a periodic timer when periods have come due and by the
// interrupt path when the guest could take one. Only counts; it never injects and never looks at a clock.
// Bound: counts are 64 bits; a period is at least one cycle of a 64-bit V, so they cannot wrap before V does.
#include "time/tickpolicy.h"
#include "time/ratio.h"

static void check_law_5(const struct ticks *ticks)
{
    HOT_INVARIANT(ticks->expired == ticks->injected + ticks->pending + ticks->dropped);
}

void ticks_init(struct ticks *ticks, enum tick_policy policy)
{
    *ticks = (struct ticks){ .policy = (uint8_t)policy };
}

uint64_t ticks_backlog(const struct ticks *ticks)
{
    return ticks->pending - ticks->raised;
}

// How many of the ticks that now wait for delivery the policy keeps.
static uint64_t keep(enum tick_policy policy, uint64_t waiting, uint64_t waiting_before, bool deliverable)
{
    switch (policy) {
    case TICK_DELAY:
    case TICK_CATCHUP: return waiting;
    case TICK_MERGE: return waiting > 1 ? 1 : waiting;
    case TICK_HARDWARE:
    case TICK_DISCARD: break; // a chip has room for the one that it can deliver
    }
    if (!deliverable)
        return waiting_before;
    return waiting > 1 ? 1 : waiting;
}

void ticks_expire(struct ticks *ticks, uint64_t count, bool deliverable)
{
    uint64_t before = ticks_backlog(ticks), waiting = before + count;
    uint64_t kept = keep((enum tick_policy)ticks->policy, waiting, before, deliverable);
    ticks->expired += count;
    ticks->dropped += waiting - kept;
    ticks->pending = kept + ticks->raised;
    if (ticks->pending > ticks->pending_max)
        ticks->pending_max = ticks->pending;
    check_law_5(ticks);
}

void ticks_lose(struct ticks *ticks, uint64_t count)
{
    ticks->expired += count;
    ticks->dropped += count;
    check_law_5(ticks);
}

bool ticks_raise(struct ticks *ticks, vtime_t now, uint64_t period_cycles)
{
    if (ticks->raised || ticks->pending == 0 || now < ticks->not_before)
        return false;
    ticks->raised = true;
    if (ticks->policy == TICK_DELAY)
        ticks->not_before = time_add(now, period_cycles);
    return true;
}

void ticks_taken(struct ticks *ticks)
{
    HOT_INVARIANT(ticks->raised && ticks->pending != 0);
    ticks->raised = false;
    ticks->pending--;
    ticks->injected++;
    check_law_5(ticks);
}

void ticks_withdrawn(struct ticks *ticks)
{
    HOT_INVARIANT(ticks->raised && ticks->pending != 0);
    ticks->raised = false;
    ticks->pending--;
    ticks->dropped++;
    check_law_5(ticks);
}

bool ticks_take(struct ticks *ticks, vtime_t now, uint64_t period_cycles)
{
    HOT_INVARIANT(!ticks->raised);
    if (ticks->pending == 0 || now < ticks->not_before)
        return false;
    ticks->pending--;
    ticks->injected++;
    if (ticks->policy == TICK_DELAY)
        ticks->not_before = time_add(now, period_cycles);
    check_law_5(ticks);
    return true;
}

void ticks_cancel(struct ticks *ticks)
{
    ticks->dropped += ticks_backlog(ticks);
    ticks->pending = ticks->raised;
    ticks->not_before = 0; // the distance was the old period's
    check_law_5(ticks);
}

// Only `delay` makes a tick wait for time; the others wait for the guest. not_before is 0 until the first delivery.
vtime_t ticks_retry(const struct ticks *ticks)
{
    return ticks->policy == TICK_DELAY && ticks_backlog(ticks) != 0 ? ticks->not_before : TIME_NEVER;
}
