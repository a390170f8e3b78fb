// SPDX-License-Identifier: MIT
// The HPET's registers, as a guest reaches them. Included by the HPET's tests only.
#ifndef TOOLS_TESTS_NATIVE_HPET_REGISTERS_H
#define TOOLS_TESTS_NATIVE_HPET_REGISTERS_H

#include "devices/hpet.h"
#include "tools/tests/native/ports.h"

static inline uint64_t in(struct hpet *hpet, uint64_t at, uint8_t size, vtime_t now)
{
    return port_in(&hpet_ops, hpet, at, size, now);
}

static inline void out(struct hpet *hpet, uint64_t at, uint8_t size, uint64_t value, vtime_t now)
{
    port_out(&hpet_ops, hpet, at, size, value, now);
}

#endif
