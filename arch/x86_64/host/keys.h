// SPDX-License-Identifier: MIT
// Scan codes of a PC's keyboard (set 1, as the controller translates them) into the bytes that a terminal sends: the
// layout of the USA, Shift, Control, Caps Lock, and the keys beside the letters as sequences. Pure. The other way round
// is vmm/typing.h.
#ifndef ARCH_X86_64_HOST_KEYS_H
#define ARCH_X86_64_HOST_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#define HOSTKEYS_BYTES 5 // that one key makes, at most

struct hostkeys {
    bool    extended; // the last code was the prefix E0
    uint8_t ignore;   // so many codes more: of Pause, whose prefix is E1
    bool    shift[2], control[2]; // left, right: held
    bool    caps;
};

// One code; returns how many bytes it makes.
unsigned hostkeys_feed(struct hostkeys *keys, uint8_t code, uint8_t bytes[HOSTKEYS_BYTES]);

#endif
