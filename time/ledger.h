// SPDX-License-Identifier: MIT
// The ledger: where every cycle of the host counter went. Double entry, so it closes to the cycle (law 6).
//
// A ledger always has one open account that time flows into. Turning to another account posts what has passed. A guest
// slice takes the guest's own cycles out of that by ledger_slice(): what is left of it, the calibrated cost of the
// world switch with it, stays the open account's and is posted with the next turn. What was calibrated is the shortest
// switch that was seen then. A slice that is shorter still shows that this was too much, for this ledger and from then
// on: the shortest slice is the cost, and a guest that has read its counter never finds it lower at the next entry
// because of what an earlier switch is thought to have cost. Nothing is owed.
#ifndef TIME_LEDGER_H
#define TIME_LEDGER_H

#include "time/units.h"

enum account {
    ACCOUNT_GUEST,   // G: executed by the guest itself
    ACCOUNT_MONITOR, // M: the monitor working for this guest, world switches included
    ACCOUNT_STOLEN,  // S: the vCPU could run and did not
    ACCOUNT_IDLE,    // I: the guest is halted and the host really waits with it
    ACCOUNT_PAUSED,  // P: the VM is stopped on purpose
    ACCOUNT_HOST,    // H: other work of the host
    ACCOUNT_COUNT
};

struct ledger {
    htime_t  start;                 // counter when the ledger was opened
    htime_t  since;                 // start + all totals; the counter minus this: not posted yet, the open account's
    uint64_t total[ACCOUNT_COUNT];  // cycles
    uint64_t emulated;              // E: modelled cycles of emulated instructions; not host cycles, kept apart
    uint64_t excess;                // by so much calibrated costs are too high: no slice was shorter than that
    uint64_t underflows;            // slices that have shown it
    uint32_t open;                  // enum account that time flows into now
    uint32_t reserved;
};

void ledger_open(struct ledger *ledger, enum account account, htime_t host_now);

// Posts the cycles up to host_now to the open account, then opens `next`, which may be the same. host_now must not
// precede the last posting or slice.
void ledger_turn(struct ledger *ledger, enum account next, htime_t host_now);

// A world switch shorter than its cost, or after one that was: the rare part of ledger_slice().
uint64_t ledger_short_slice(struct ledger *ledger, uint64_t elapsed_cycles, uint64_t cost_cycles);

// Posts one world switch, which starts from the monitor's account: t0 was sampled last before it, t1 first after it,
// cost is the calibrated t1 - t0 of an empty guest. Of the time up to t1 the guest gets what it executed, at once, and
// the monitor the rest, when it is posted. Returns the guest's cycles of this slice.
static inline uint64_t ledger_slice(struct ledger *ledger, htime_t t0, htime_t t1, uint64_t cost_cycles)
{
    HOT_INVARIANT(ledger->open == ACCOUNT_MONITOR && t0 >= ledger->since && t1 >= t0);
    uint64_t elapsed = t1 - t0;
    uint64_t guest = ledger->excess == 0 && elapsed >= cost_cycles ? elapsed - cost_cycles
                                                                   : ledger_short_slice(ledger, elapsed, cost_cycles);
    ledger->total[ACCOUNT_GUEST] += guest;
    ledger->since += guest;
    return guest;
}

// 0 when the ledger closes: (counter now - counter at start) minus all accounts, the open one counted up to host_now.
int64_t ledger_gap(const struct ledger *ledger, htime_t host_now);

#endif
