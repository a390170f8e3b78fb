// SPDX-License-Identifier: MIT
// The RTC's registers through its two ports, as a guest reaches them. Included by the RTC's tests only.
#ifndef TOOLS_TESTS_NATIVE_RTC_PORTS_H
#define TOOLS_TESTS_NATIVE_RTC_PORTS_H

#include "devices/rtc.h"
#include "tools/tests/native/ports.h"

static inline uint8_t get(struct rtc *rtc, uint8_t index, vtime_t now)
{
    port_out(&rtc_ops, rtc, 0x70, 1, index, now);
    return (uint8_t)port_in(&rtc_ops, rtc, 0x71, 1, now);
}

static inline void put(struct rtc *rtc, uint8_t index, uint8_t value, vtime_t now)
{
    port_out(&rtc_ops, rtc, 0x70, 1, index, now);
    port_out(&rtc_ops, rtc, 0x71, 1, value, now);
}

#endif
