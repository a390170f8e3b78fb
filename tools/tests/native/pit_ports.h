// SPDX-License-Identifier: MIT
// The 8254's ports as the PIT tests use them. Included by those tests only.
#ifndef TOOLS_TESTS_NATIVE_PIT_PORTS_H
#define TOOLS_TESTS_NATIVE_PIT_PORTS_H

#include "devices/pit.h"
#include "tools/tests/native/ports.h"

static inline void out_port(struct pit *pit, uint16_t port, uint8_t value, vtime_t now)
{
    port_out(port == PORT61_PORT ? &port61_ops : &pit_ops, pit, port, 1, value, now);
}

static inline uint8_t in_port(struct pit *pit, uint16_t port, vtime_t now)
{
    return (uint8_t)port_in(port == PORT61_PORT ? &port61_ops : &pit_ops, pit, port, 1, now);
}

// Both bytes, binary.
static inline void program(struct pit *pit, unsigned channel, unsigned mode, uint16_t count, vtime_t now)
{
    out_port(pit, 0x43, (uint8_t)(channel << 6 | 0x30 | mode << 1), now);
    out_port(pit, (uint16_t)(0x40 + channel), (uint8_t)count, now);
    out_port(pit, (uint16_t)(0x40 + channel), (uint8_t)(count >> 8), now);
}

static inline uint16_t latched_count(struct pit *pit, unsigned channel, vtime_t now)
{
    out_port(pit, 0x43, (uint8_t)(channel << 6), now);
    unsigned low = in_port(pit, (uint16_t)(0x40 + channel), now);
    return (uint16_t)(low | in_port(pit, (uint16_t)(0x40 + channel), now) * 256u);
}

#endif
