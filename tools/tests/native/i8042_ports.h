// SPDX-License-Identifier: MIT
// The keyboard controller's two ports for its tests. Included by the tests only.
#ifndef TOOLS_TESTS_NATIVE_I8042_PORTS_H
#define TOOLS_TESTS_NATIVE_I8042_PORTS_H

#include "devices/i8042.h"
#include "tools/tests/native/ports.h"

#define FULL 0x01 // of the status

static inline void out(struct i8042 *d, uint64_t port, uint8_t value)
{
    port_out(&i8042_ops, d, port, 1, value, 0);
}

static inline uint8_t in(struct i8042 *d, uint64_t port)
{
    return (uint8_t)port_in(&i8042_ops, d, port, 1, 0);
}

// What the guest finds in the output buffer, byte after byte, is just this.
static inline void reads(struct i8042 *d, size_t count, const uint8_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(in(d, 0x64) & FULL, FULL);
        assert_int_equal(in(d, 0x60), bytes[i]);
    }
    assert_int_equal(in(d, 0x64) & FULL, 0);
}
#define READS(d, ...) reads(d, sizeof((uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ })

#endif
