// SPDX-License-Identifier: MIT
// The test device that kernels written for QEMU's pc-testdev use: it raises interrupt lines, and what is written to its
// ports and its memory can be read back. Only a VM with testdev=on has it.
//
//   0xe0..0xe3      a register of four bytes
//   0xe4..0xe7      writes name a page whose mapping is to be dropped: nothing is kept of a mapping here, so no effect
//   0xe8            the register of 0xe0 again; what follows, 0xe9, is the debug console's
//   0x2000..0x2017  one interrupt line each: not 0 raises it, 0 lowers it
//   0xff000000      64 KiB of memory that is a device: each access to it is emulated
#ifndef DEVICES_TESTDEV_H
#define DEVICES_TESTDEV_H

#include "devices/device.h"

#define TESTDEV_PORT       0x00e0u
#define TESTDEV_PORTS      9u
#define TESTDEV_LINE_PORT  0x2000u
#define TESTDEV_LINES      24u
#define TESTDEV_MMIO       UINT64_C(0xff000000)
#define TESTDEV_MMIO_BYTES 0x10000u

struct testdev {
    uint32_t reg;
    uint32_t levels; // of the lines, as they were written last, a bit each
    uint8_t  on;     // it is there
    uint8_t  reserved[7];
    uint8_t  memory[TESTDEV_MMIO_BYTES];
};

void testdev_init(struct testdev *testdev, bool on);

// Two devices for the bus: the ports, whose offsets are port numbers, and the memory, whose offsets begin at 0.
extern const struct device_ops testdev_port_ops, testdev_memory_ops;

#endif
