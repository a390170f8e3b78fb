// SPDX-License-Identifier: MIT
// A register, interrupt lines and memory that do what they are told: see testdev.h. Called by the bus.
#include "devices/testdev.h"

#include <string.h>

#define PORT_FLUSH (TESTDEV_PORT + 4)
#define PORT_AGAIN (TESTDEV_PORT + 8)

void testdev_init(struct testdev *testdev, bool on)
{
    memset(testdev, 0, sizeof(*testdev));
    testdev->on = on;
}

// Bytes beyond the register's end belong to nobody: they are read as 0 and lost.
static void access_register(struct testdev *testdev, struct io_access *io)
{
    unsigned shift = 8 * (io->offset & 3);
    uint64_t mask = ((UINT64_C(1) << (8 * io->size)) - 1) << shift;
    if (io->is_write)
        testdev->reg = (uint32_t)((testdev->reg & ~mask) | (io->value << shift & mask));
    else
        io->value = (testdev->reg & mask) >> shift;
}

static enum io_result access_port(void *device, struct io_access *io, vtime_t now)
{
    struct testdev *testdev = device;
    uint64_t line = io->offset - TESTDEV_LINE_PORT;
    (void)now;
    if (!testdev->on)
        return IO_UNCLAIMED;
    if (line < TESTDEV_LINES) {
        if (!io->is_write)
            return IO_UNCLAIMED;
        uint32_t bit = UINT32_C(1) << line;
        testdev->levels = io->value != 0 ? testdev->levels | bit : testdev->levels & ~bit;
        return IO_OK;
    }
    if (io->offset >= PORT_FLUSH && io->offset < PORT_AGAIN)
        return io->is_write ? IO_OK : IO_UNCLAIMED;
    access_register(testdev, io);
    return IO_OK;
}

static enum io_result access_memory(void *device, struct io_access *io, vtime_t now)
{
    struct testdev *testdev = device;
    (void)now;
    if (!testdev->on || io->offset >= TESTDEV_MMIO_BYTES || io->size > TESTDEV_MMIO_BYTES - io->offset)
        return IO_UNCLAIMED;
    uint8_t *at = testdev->memory + io->offset;
    if (io->is_write) {
        memcpy(at, &io->value, io->size);
    } else {
        io->value = 0;
        memcpy(&io->value, at, io->size);
    }
    return IO_OK;
}

const struct device_ops testdev_port_ops = {
    .name = "testdev",
    .access = access_port,
};

const struct device_ops testdev_memory_ops = {
    .name = "testdev memory",
    .access = access_memory,
};
