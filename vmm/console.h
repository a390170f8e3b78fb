// SPDX-License-Identifier: MIT
// The guest's console on the machine's serial port: what a guest prints goes out raw, what is typed goes in. All input
// from outside enters a VM through console_poll(), the one place that a replay would have to record.
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "time/units.h"
#include "vmm/types.h"

#define CONSOLE_BUFFER 128

struct console {
    htime_t  polled; // when the machine's port was last looked at
    uint32_t count;
    uint8_t  bytes[CONSOLE_BUFFER];
};

struct vm;

// One byte from the guest. Goes out with the line's end, when the buffer is full, or at the next poll.
void console_put(struct vm *vm, uint8_t byte);

// Sends what is buffered and hands typed bytes to the guest's UART.
void console_poll(struct vm *vm);

#endif
