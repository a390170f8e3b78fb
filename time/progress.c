// SPDX-License-Identifier: MIT
// Does a guest get on (progress.h)? Called by vmm/run.c once in a slice's time.
#include "time/progress.h"

bool progress_is_over(struct progress *progress, const struct ledger *ledger, uint64_t budget_cycles)
{
    uint64_t guest = ledger->total[ACCOUNT_GUEST], monitor = ledger->total[ACCOUNT_MONITOR];
    if (guest != progress->guest_cycles) {
        progress->guest_cycles = guest;
        progress->monitor_cycles = monitor;
        return false;
    }
    return monitor - progress->monitor_cycles >= budget_cycles;
}
