// SPDX-License-Identifier: MIT
// Does a guest get on? Work that the monitor does for it takes none of its time, so a guest that makes it work without
// executing an instruction (x86's REP with a huge count on a port, a fault whose handler begins with the same fault)
// would never come to its limit, nor the next VM to its turn. The rule: a budget of the monitor's time during which the
// guest's own account does not grow by one cycle. What the host waits, or does for others, does not count.
#ifndef TIME_PROGRESS_H
#define TIME_PROGRESS_H

#include "time/ledger.h"

struct progress {
    uint64_t guest_cycles;   // of the ledger, when it was last seen to have grown
    uint64_t monitor_cycles; // of the ledger then
};

// Looks at a ledger in which everything up to now is posted, as often as the budget is to be exact. True: the budget is
// spent, in cycles of the host's counter.
bool progress_is_over(struct progress *progress, const struct ledger *ledger, uint64_t budget_cycles);

#endif
