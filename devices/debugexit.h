// SPDX-License-Identifier: MIT
// The ports by which a guest ends or resets its machine and by which it talks without a UART.
//
//   0xf4..0xf7  debug exit: any write asks for the end of the VM with that value; reads give 0
//   0xe9        debug console: one byte a write; reads give 0xe9, which is how a guest finds it
//   0x92        fast reset (bit 0 rising) and A20 (bit 1, kept and without effect: address line 20 is never masked)
//   0xcf9       reset control: bit 2 rising resets, bits 1 and 3 say how hard, which is the same here
//
// The VM's loop looks at `request` and empties the console after every access.
#ifndef DEVICES_DEBUGEXIT_H
#define DEVICES_DEBUGEXIT_H

#include "devices/device.h"

#define DEBUGEXIT_FIFO 64

enum debugexit_request { REQUEST_NONE, REQUEST_EXIT, REQUEST_RESET };

struct debugexit {
    uint32_t value;  // of the write that asked for the exit
    uint8_t request; // enum debugexit_request; the first one stays
    uint8_t first;   // oldest byte in fifo
    uint8_t count;   // bytes in fifo
    uint8_t port92;
    uint8_t port_cf9;
    uint8_t reserved[3];
    uint8_t fifo[DEBUGEXIT_FIFO];
};

void debugexit_init(struct debugexit *debugexit);

extern const struct device_ops debugexit_ops;

// Takes the oldest byte written to 0xe9, false if there is none. One access writes at most one byte, so a loop that
// empties the FIFO after every access never sees it fill; a byte written to a full one is lost.
bool debugexit_take_char(struct debugexit *debugexit, uint8_t *byte);

#endif
