// SPDX-License-Identifier: MIT
// The PL031 real-time clock (Arm DDI 0224C): a counter of seconds, 32 bits, with a match register and its interrupt.
//
// The 1 Hz clock ticks at each multiple of hz cycles of V, whatever the guest writes, so a second is hz cycles for
// ever. A load shows at once, not at the next tick. The interrupt's raw state rises when the counter comes to equal the
// match register: by a tick, by a load, or by a write of the match register. Firmware has enabled the counter, which no
// guest can undo (RTCCR).
#ifndef DEVICES_PL031_H
#define DEVICES_PL031_H

#include "devices/device.h"

#define PL031_SIZE 0x1000u

struct pl031 {
    struct irq_line irq;
    uint64_t guest_hz;
    uint64_t ticks;  // of the 1 Hz clock, up to the last access or advance
    uint32_t offset; // what the counter shows is ticks + offset
    uint32_t match, load;
    uint8_t  enabled; // the interrupt
    uint8_t  raised;  // its raw state
    uint8_t  reserved[2];
};

// The counter shows unix_seconds, since 1970, at V = 0.
void pl031_init(struct pl031 *rtc, uint64_t guest_hz, uint64_t unix_seconds);

extern const struct device_ops pl031_ops; // the offset is from the base of its page

#endif
