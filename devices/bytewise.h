// SPDX-License-Identifier: MIT
// Wide accesses to byte-wide devices. An 8-bit ISA device sees a 16- or 32-bit IN or OUT as that many byte cycles at
// rising port numbers; bytes that nobody answers float to ones. Used by the access functions in this folder; owns no
// state.
#ifndef DEVICES_BYTEWISE_H
#define DEVICES_BYTEWISE_H

#include "devices/device.h"

// One byte cycle: io->size is 1, and only the low byte of a value to be written counts.
typedef enum io_result (*byte_cycle)(void *device, struct io_access *io, vtime_t now);

static inline enum io_result bytewise_access(void *device, struct io_access *io, vtime_t now, byte_cycle cycle)
{
    if (io->size == 1)
        return cycle(device, io, now);
    enum io_result result = IO_UNCLAIMED;
    uint64_t value = 0;
    for (unsigned i = 0; i < io->size && i < 8; i++) {
        struct io_access byte = { .offset = io->offset + i, .size = 1, .is_write = io->is_write };
        byte.value = io->is_write ? (io->value >> (8 * i)) & 0xff : 0;
        if (cycle(device, &byte, now) == IO_OK)
            result = IO_OK;
        else
            byte.value = 0xff;
        value |= (byte.value & 0xff) << (8 * i);
    }
    if (!io->is_write)
        io->value = value;
    return result;
}

#endif
