// SPDX-License-Identifier: MIT
// What is typed on a terminal as keys of a keyboard: characters by the layout of the USA, Control with a letter, and
// the sequences that terminals send for the keys beside them. Pure.
#ifndef VMM_TYPING_H
#define VMM_TYPING_H

#include "devices/keyboard.h"

#define TYPING_KEYS_MAX 2 // that one byte can complete

struct typing {
    uint8_t state;  // how far in a sequence
    uint8_t number; // its parameter
};

// One byte; returns how many keys it makes. No key: the byte is part of a sequence, or on no key.
unsigned typing_feed(struct typing *typing, uint8_t byte, struct key *out);

// Is a sequence begun? When nothing has followed for a while it is none, and its Escape is a key.
static inline bool typing_waits(const struct typing *typing)
{
    return typing->state != 0;
}
unsigned typing_flush(struct typing *typing, struct key *out);

#endif
