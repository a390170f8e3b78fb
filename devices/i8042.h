// SPDX-License-Identifier: MIT
// The keyboard controller of a PC, an 8042 with its firmware as the PS/2 has it (IBM PS/2 Hardware Interface Technical
// Reference, Keyboard and Auxiliary Device Controller), a keyboard on its first port and nothing on the second.
//
//   0x60  data, both ways
//   0x64  status; commands
//
// A byte from the keyboard is in the output buffer as soon as that is empty: the wire takes no time. An answer of the
// controller's own goes first. What is sent to the second port comes back as a timeout, which is how a driver learns
// that nobody is there. Address line 20 is never masked, whatever the output port says. Nothing a guest writes is kept
// beyond one byte each way.
#ifndef DEVICES_I8042_H
#define DEVICES_I8042_H

#include "devices/device.h"
#include "devices/keyboard.h"

struct i8042 {
    struct keyboard keyboard;
    struct irq_line irq;     // of the keyboard
    struct irq_line aux_irq; // of the second port
    uint8_t config;          // its command byte
    uint8_t status;          // bits 0 and 3..6; the rest is known
    uint8_t data;            // the output buffer
    uint8_t command;         // one that waits for its byte, 0: none
    uint8_t output_port;
    uint8_t reply;           // waits for the output buffer to be empty, with
    uint8_t reply_status;    // bits of the status; 0: none waits
    bool    releasing;       // translation: the last byte said that a release follows
    bool    reset;           // the guest asked for it
};

void i8042_init(struct i8042 *i8042);

extern const struct device_ops i8042_ops;

// Presses and releases a key. False: there is no room, try again when the guest has read.
bool i8042_press(struct i8042 *i8042, const struct key *key);

#endif
