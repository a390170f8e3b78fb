// SPDX-License-Identifier: MIT
// The row of the host's screen that says where the cycles of a guest go while it runs. Pure.
#ifndef VMM_SHOW_LIVE_H
#define VMM_SHOW_LIVE_H

#include "time/ledger.h"
#include "vmm/base/types.h"

#define LIVE_BAR       32u // letters
#define LIVE_ROW_BYTES 200u

// The totals of the row before this one.
struct live {
    uint64_t total[ACCOUNT_COUNT];
};

struct live_input {
    const char    *name;
    uint64_t       v_us, exits;
    const uint64_t *total; // of the ledger
};

// LIVE_BAR letters and a null: the letter of each account for its part of these cycles. What rounding down leaves goes,
// a letter each, to those that lost most by it. Nothing at all of no cycles. A sum of them must not overflow.
void live_bar(const uint64_t cycles[ACCOUNT_COUNT], char bar[LIVE_BAR + 1]);

// Name, V, the share of each account since the start, exits, and the bar of what has passed since the last row.
void live_row(struct live *live, const struct live_input *input, char row[LIVE_ROW_BYTES]);

#endif
