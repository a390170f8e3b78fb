// SPDX-License-Identifier: MIT
// Reads and writes of a PrimeCell's registers as a guest makes them, for the tests of the PL011 and the PL031.
#ifndef TOOLS_TESTS_NATIVE_PRIMECELL_H
#define TOOLS_TESTS_NATIVE_PRIMECELL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/device.h"

static inline uint64_t cell_read_sized(const struct device_ops *ops, void *device, uint64_t offset, uint8_t size,
                                       vtime_t now)
{
    struct io_access io = { .offset = offset, .size = size };
    assert_int_equal(ops->access(device, &io, now), IO_OK);
    return io.value;
}

static inline uint32_t cell_read(const struct device_ops *ops, void *device, uint64_t offset, vtime_t now)
{
    return (uint32_t)cell_read_sized(ops, device, offset, 4, now);
}

static inline void cell_write_sized(const struct device_ops *ops, void *device, uint64_t offset, uint8_t size,
                                    uint64_t value, vtime_t now)
{
    struct io_access io = { .offset = offset, .size = size, .value = value, .is_write = true };
    assert_int_equal(ops->access(device, &io, now), IO_OK);
}

static inline void cell_write(const struct device_ops *ops, void *device, uint64_t offset, uint32_t value, vtime_t now)
{
    cell_write_sized(ops, device, offset, 4, value, now);
}

// The eight identification bytes at the end of its page, first byte in the low byte; Linux finds drivers by them.
static inline uint64_t cell_id(const struct device_ops *ops, void *device)
{
    uint64_t id = 0;
    for (unsigned i = 0; i < 8; i++)
        id |= (uint64_t)cell_read(ops, device, 0xfe0 + 4 * i, 0) << (8 * i);
    return id;
}

#endif
