// SPDX-License-Identifier: MIT
// Double-entry book-keeping of the host counter: see ledger.h. At every world switch ledger_slice() of the header
// posts; what is here is called when the account changes. The caller samples the counter. Never invents or drops a
// cycle: whatever is not the guest's own is posted to another account, so the sum is the counter's advance by
// construction.
#include "time/ledger.h"

void ledger_open(struct ledger *ledger, enum account account, htime_t host_now)
{
    *ledger = (struct ledger){ .start = host_now, .since = host_now, .open = account };
}

// Bound: totals wrap with the counter itself, after 2^64 cycles (195 years at 3 GHz).
void ledger_turn(struct ledger *ledger, enum account next, htime_t host_now)
{
    HOT_INVARIANT(host_now >= ledger->since);
    HOT_INVARIANT(next < ACCOUNT_COUNT);
    ledger->total[ledger->open] += host_now - ledger->since;
    ledger->since = host_now;
    ledger->open = next;
}

// Bound: none; the excess is at most the largest cost, and no slice gives the guest more than it took.
__attribute__((noinline, cold)) uint64_t ledger_short_slice(struct ledger *ledger, uint64_t elapsed_cycles,
                                                            uint64_t cost_cycles)
{
    uint64_t cost = cost_cycles > ledger->excess ? cost_cycles - ledger->excess : 0;
    if (elapsed_cycles >= cost)
        return elapsed_cycles - cost;
    ledger->excess = cost_cycles - elapsed_cycles;
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
