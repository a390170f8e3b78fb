// SPDX-License-Identifier: MIT
// The host's own keyboard at its controller (8042), polled: a second way in beside the serial port, where the host's
// screen is the console.
#ifndef ARCH_X86_64_HOST_KEYBOARD_H
#define ARCH_X86_64_HOST_KEYBOARD_H

#include <stdbool.h>

// Where there is a controller: keys come by polling and not by interrupts, in scan code set 1. Waits, bounded.
void hostkeyboard_init(void);

bool hostkeyboard_present(void); // a controller answers
bool hostkeyboard_usable(void);  // and took what hostkeyboard_init() told it

// The next byte that a key makes, -1 when there is none. Never waits.
int hostkeyboard_read(void);

#endif
