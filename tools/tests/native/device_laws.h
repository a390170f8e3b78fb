// SPDX-License-Identifier: MIT
// The laws of devices/device.h, checked on any device with random operations. A test fills one struct device_laws and
// calls device_laws_check(), which fails the running cmocka test at the first broken law.
//
// How: the device lives twice. Both twins get the same accesses at the same V, and one of them is advanced at random
// instants in between and is read when a read must not disturb. If a guest can ever tell the twins apart, a law is
// broken. `now` never decreases, sometimes stands still, and sometimes jumps by many years.
#ifndef TOOLS_TESTS_NATIVE_DEVICE_LAWS_H
#define TOOLS_TESTS_NATIVE_DEVICE_LAWS_H

#include "devices/device.h"

#define DEVICE_LAWS_OBJECT_MAX 8192 // bytes of the largest device struct that can be checked
#define OBSERVATION_MAX        512

// What a guest could see of a device at one instant, as a list of numbers to be compared.
struct observation {
    uint64_t value[OBSERVATION_MAX];
    size_t count;
};
void observation_add(struct observation *seen, uint64_t value);

struct device_laws {
    const struct device_ops *ops;
    size_t object_size;

    void (*init)(void *device);

    // One access that a guest might make: offset, size, is_write and value. Ports are absolute, MMIO is an offset.
    // `random` is the state of host_random() in host.h.
    void (*random_access)(uint64_t *random, struct io_access *io);

    // Optional: an input other than an access (a pin, a received byte). What it draws from `random` must not depend on
    // the device, because both twins get the same.
    void (*stimulate)(void *device, vtime_t now, uint64_t *random);

    // Everything a guest can see at `now`: registers and pins. `device` is a throw-away copy, already advanced to now,
    // so reads that latch or clear do no harm here.
    void (*observe)(void *device, vtime_t now, struct observation *seen);

    // Optional: the device's interrupt outputs, null after the last. They must not change before next_deadline().
    const struct irq_line *(*line)(const void *device, unsigned index);

    // Optional: does the manual say that this read latches, clears or steps nothing? Absent means: no read is pure.
    bool (*read_is_pure)(const void *device, const struct io_access *io);

    uint64_t typical_step; // cycles of V that matter to this device, for instance one period of its input clock
    uint32_t runs;         // fresh devices
    uint32_t steps;        // accesses per device
    uint64_t seed;
};

// Prints how much of each law it has tried.
void device_laws_check(const struct device_laws *laws);

#endif
