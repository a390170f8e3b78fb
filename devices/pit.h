// SPDX-License-Identifier: MIT
// 8254 programmable interval timer, ports 0x40..0x43, and the part of port 0x61 that belongs to it.
//
// OUT of channel 0 is `irq0`. Channel 1 was the DRAM refresh of the first PCs; it counts and is connected to nothing.
// GATE of channel 2 is bit 0 of port 0x61 and its OUT is read at bit 5; the other gates are wired high. The arithmetic
// of counting is in pit_channel.c. A change of OUT by a control word is an edge like any other: going from mode 0 to
// mode 2 before the count has expired raises irq0 once, as on the chip.
#ifndef DEVICES_PIT_H
#define DEVICES_PIT_H

#include "devices/device.h"
#include "devices/pit_channel.h"

#define PIT_PORT    0x40 // channels 0, 1, 2, then the control word
#define PORT61_PORT 0x61

// The byte-wide side of one channel.
struct pit_port {
    uint16_t count_latch;
    uint8_t status_latch;
    uint8_t first_byte; // of a two-byte count being written
    uint8_t count_latched;
    uint8_t status_latched;
    uint8_t read_high;  // two-byte counts: the next read gives the high byte
    uint8_t write_high; // two-byte counts: the next write is the high byte
};

struct pit {
    struct irq_line irq0;
    uint32_t irq0_stale; // of irq0.rises, from before the guest last gave channel 0 a control word
    uint32_t irq0_restarted;
    struct pit_channel channel[3];
    struct pit_port port[3];
    vtime_t deadline; // next rise of irq0
    vtime_t seen;     // the latest V that everything is brought up to
    uint8_t port61;   // bits 3..0 as written: speaker gate, speaker data, two NMI disables without effect
    uint8_t reserved[7];
};

// guest_hz, the rate of V, must be at least 1193182.
void pit_init(struct pit *pit, uint64_t guest_hz);

extern const struct device_ops pit_ops;    // ports 0x40..0x43
extern const struct device_ops port61_ops; // port 0x61 of the same struct pit; its deadline is pit_ops'

// Has the guest given channel 0 a control word since the last call? *stale: rises of irq0 from before that, taken with
// this call.
bool pit_take_restart(struct pit *pit, uint32_t *stale);

// The next moment at which irq0 can fall; where that matters it is a deadline, too.
vtime_t pit_next_fall(const struct pit *pit);

// Period of irq0 in cycles of V, rounded down; 0 if channel 0 is not periodic. For spacing ticks, never for adding them
// up.
uint64_t pit_irq_period_cycles(const struct pit *pit);

#endif
