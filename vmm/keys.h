// SPDX-License-Identifier: MIT
// The monitor's own keys on the guest's console: Ctrl-] and a letter. Typed bytes are looked at when they come in; what
// they ask for is done by the run loop, between two slices.
#ifndef VMM_KEYS_H
#define VMM_KEYS_H

#include "vmm/base/types.h"

#define KEY_ESCAPE 0x1d // Ctrl-]

// In the words of the legend, which tools/run prints too.
#define KEYS_LEGEND \
    "Ctrl-] then  l ledger  e exits  t timers  c clocks  n lanes  s screen  p pause  r resume  q quit  ] itself"

struct keys {
    bool    escaped; // the last byte was KEY_ESCAPE
    bool    paused;
    uint8_t command; // a letter that the run loop has not obeyed yet, 0 if none
};

// A typed byte. True: it was for the monitor. False: the guest gets it, as it is now.
bool keys_take(struct keys *keys, uint8_t *byte);

#endif
