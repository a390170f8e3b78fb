// SPDX-License-Identifier: MIT
// Double-entry book-keeping of the host counter: see ledger.h. Called by the run loop at every world switch and at
// every change of what the machine does; the caller samples the counter. Never invents or drops a cycle: whatever is
// not the guest's own is posted to another account, so the sum is the counter's advance by construction.
#include "time/ledger.h"

void ledger_open(struct ledger *ledger, enum account account, htime_t host_now)
{
    *ledger = (struct ledger){ .start = host_now, .since = host_now, .open = account };
}

// Bound: totals wrap with the counter itself, after 2^64 cycles (195 years at 3 GHz).
void ledger_turn(struct ledger *ledger, enum account next, htime_t host_now)
{
    INVARIANT(host_now >= ledger->since);
    INVARIANT(next < ACCOUNT_COUNT);
    ledger->total[ledger->open] += host_now - ledger->since;
    ledger->since = host_now;
    ledger->open = next;
}

// Bound: cost plus debt stays below 2^63; debt grows by at most one cost a slice.
// Written with what is owed as a positive number, so that no subtraction can pass below zero: elapsed < owed is the
// signed (t1 - t0) - cost + debt < 0.
uint64_t ledger_settle_debt(struct ledger *ledger, uint64_t elapsed_cycles, uint64_t cost_cycles)
{
    INVARIANT(ledger->debt <= 0);
    uint64_t owed = cost_cycles + (uint64_t)-ledger->debt;
    if (elapsed_cycles >= owed) {
        ledger->debt = 0;
        return elapsed_cycles - owed;
    }
    ledger->debt = -(int64_t)(owed - elapsed_cycles);
    ledger->underflows++;
    return 0;
}

int64_t ledger_gap(const struct ledger *ledger, htime_t host_now)
{
    uint64_t posted = host_now - ledger->since;
    for (unsigned account = 0; account < ACCOUNT_COUNT; account++)
        posted += ledger->total[account];
    return (int64_t)(host_now - ledger->start - posted);
}
