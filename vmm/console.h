// SPDX-License-Identifier: MIT
// The guest's console on the host's serial port: what a guest prints goes out raw, what is typed goes in, to its
// UART or, while its screen is shown, to its keyboard. All input from outside enters a VM through console_poll(), the
// one place that a replay would have to record.
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include "devices/keyboard.h"
#include "time/units.h"
#include "vmm/base/types.h"
#include "vmm/typing.h"

#define CONSOLE_BUFFER 128
#define CONSOLE_TYPED  1024 // bytes that wait for the guest; more wait outside

// Bytes that the guest has not taken yet.
struct typed {
    htime_t  since; // when it was full, and
    uint32_t taken; // how many the guest has taken from then on
    uint16_t first, count;
    uint8_t  bytes[CONSOLE_TYPED];
};

enum { TYPED_FOR_UART, TYPED_FOR_KEYBOARD, TYPED_COUNT };

struct console {
    htime_t       polled; // when the host's port was last looked at
    htime_t       typed_at;
    uint32_t      count;
    uint8_t       last; // byte printed
    uint8_t       bytes[CONSOLE_BUFFER];
    struct typing typing;
    struct key    key[TYPING_KEYS_MAX]; // that the keyboard had no room for
    uint8_t       keys;
    struct typed  typed[TYPED_COUNT];
};

struct vm;

// All that goes to the host's console goes through here, and is counted: so what each VM has printed can be told
// from what the next did.
void     console_write(const void *bytes, size_t count);
uint64_t console_written(void);

// One byte from the guest. Goes out with the line's end, when the buffer is full, or at the next poll.
void console_put(struct vm *vm, uint8_t byte);

// Sends what is buffered, finds the monitor's keys in what is typed, and hands the rest to the guest.
__attribute__((noinline)) void console_poll(struct vm *vm);

// Writes the row of the host's screen that says where the guest's cycles have gone until now; the next picture has it.
void console_live_row(struct vm *vm);

#endif
