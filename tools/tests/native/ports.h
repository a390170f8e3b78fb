// SPDX-License-Identifier: MIT
// IN and OUT for the device tests: one access through a device's ops, which must be claimed. Included by the tests
// only.
#ifndef TOOLS_TESTS_NATIVE_PORTS_H
#define TOOLS_TESTS_NATIVE_PORTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/device.h"

static inline void port_out(const struct device_ops *ops, void *device, uint64_t port, uint8_t size, uint64_t value,
                            vtime_t now)
{
    struct io_access io = { .offset = port, .value = value, .size = size, .is_write = true };
    assert_int_equal(ops->access(device, &io, now), IO_OK);
}

static inline uint64_t port_in(const struct device_ops *ops, void *device, uint64_t port, uint8_t size, vtime_t now)
{
    struct io_access io = { .offset = port, .size = size };
    assert_int_equal(ops->access(device, &io, now), IO_OK);
    assert_true(size == 8 || io.value >> (8 * size) == 0);
    return io.value;
}

static inline enum io_result port_result(const struct device_ops *ops, void *device, uint64_t port, uint8_t size)
{
    struct io_access io = { .offset = port, .size = size };
    return ops->access(device, &io, 0);
}

#endif
