// SPDX-License-Identifier: MIT
// The device contract. A device is a plain struct and three functions of (state, access, now); nothing else goes in or
// out.
//
// State: fixed-width fields, no pointers, so that saving a device is copying its struct.
// In:    an access, and `now`, the VM's apparent time V. `now` never decreases from call to call.
// Out:   the value read, the level and the count of rising edges of each interrupt line, the next deadline.
// A device never allocates, locks, reads a clock, or calls back into the monitor. After every access() and advance() it
// is settled, and its settle function queues next_deadline() by machine_rearm(): a device with deadlines whose settle
// function does not has no timer.
//
// Laws, tested on every device with random operation sequences:
//   advance(t1); advance(t2)   equals   advance(t2)      in all state a guest can observe, counted edges included
//   next_deadline(d) > now     after    advance(d, now)
//   a read between two deadlines changes nothing but what the manual says it latches or clears
#ifndef DEVICES_DEVICE_H
#define DEVICES_DEVICE_H

#include "time/units.h"

enum io_result {
    IO_OK,
    IO_UNCLAIMED, // nobody answers here: reads float to all ones, writes are lost
};

struct io_access {
    uint64_t offset; // the port number, or the byte offset into the device's MMIO page
    uint64_t value;  // in for a write, out for a read; only the low `size` bytes count
    uint8_t  size;   // bytes: 1, 2, 4 (MMIO also 8)
    bool     is_write;
};

struct device_ops {
    const char *name;
    enum io_result (*access)(void *device, struct io_access *io, vtime_t now);
    // Both null for a device that does nothing by itself.
    void (*advance)(void *device, vtime_t now);   // fire everything due by now
    vtime_t (*next_deadline)(const void *device); // TIME_NEVER if none
};

// An interrupt output. Level for level-triggered inputs; `rises` counts 0->1 edges until the router takes them, so that
// no edge is lost however many fall into one advance().
struct irq_line {
    uint32_t rises;
    uint8_t  level;
    uint8_t  reserved[3];
};

static inline void irq_line_set(struct irq_line *line, bool level)
{
    line->rises += (uint32_t)(level && !line->level);
    line->level = level;
}

// The edges since the last call.
static inline uint32_t irq_line_take_rises(struct irq_line *line)
{
    uint32_t rises = line->rises;
    line->rises = 0;
    return rises;
}

#endif
