// SPDX-License-Identifier: MIT
// An IBM PS/2 keyboard of 101 keys, as far as a keyboard controller sees one: commands in, bytes out (IBM PS/2 Hardware
// Interface Technical Reference, Keyboards). It has the scan code sets 1 and 2. What is not taken waits in its buffer
// of 16 bytes; a key that does not fit is not pressed at all. No port is its own: devices/i8042.c has the wire to it.
#ifndef DEVICES_KEYBOARD_H
#define DEVICES_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#define KEYBOARD_BUFFER 16

// A key with what is held while it is pressed and released.
struct key {
    uint8_t code;     // its make code in set 1, without a prefix
    bool    extended; // prefix E0
    uint8_t held;     // make code of Shift or Control, 0: none
};

#define KEY_CODE_SHIFT   0x2a
#define KEY_CODE_CONTROL 0x1d

struct keyboard {
    uint8_t buffer[KEYBOARD_BUFFER];
    uint8_t first, count; // of what is in it
    uint8_t set;          // scan code set, 1 or 2
    uint8_t command;      // one that waits for its parameter, 0: none
    uint8_t last;         // byte sent, for command FE
    bool    scanning;
};

void keyboard_init(struct keyboard *keyboard);

// A byte from the controller.
void keyboard_write(struct keyboard *keyboard, uint8_t byte);

// The next byte for the controller; false: there is none.
bool keyboard_take(struct keyboard *keyboard, uint8_t *byte);

// Presses and releases a key. False: the buffer has no room for all of its codes. A keyboard that is told not to scan
// swallows it.
bool keyboard_press(struct keyboard *keyboard, const struct key *key);

// Set 2 into set 1, as the controller translates: 0xff for a code that no key has.
uint8_t keyboard_translate(uint8_t set_2);

#endif
