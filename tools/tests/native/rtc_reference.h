// SPDX-License-Identifier: MIT
// A second MC146818, one tick of the crystal at a time: a 15-stage divider, bytes that count up with a carry, flags.
// Slow and plain on purpose: test_rtc.c holds devices/rtc.c against it. Shares nothing with that code
// but what it documents: the phase after a divider reset, and that a byte no clock shows becomes the nearest one.
#ifndef TOOLS_TESTS_NATIVE_RTC_REFERENCE_H
#define TOOLS_TESTS_NATIVE_RTC_REFERENCE_H

#include "time/units.h"

struct ref_rtc {
    uint64_t hz, clock; // clock: 32768 is added each cycle of V, a tick takes hz
    uint32_t divider;
    uint8_t reg[128];
    uint8_t index;
    bool irq;
    uint64_t rises, last_rise;
};

void ref_rtc_init(struct ref_rtc *ref, uint64_t hz, const uint8_t reg[128]);
void ref_rtc_run(struct ref_rtc *ref, vtime_t from, vtime_t to);
void ref_rtc_write(struct ref_rtc *ref, uint8_t value, vtime_t now);
uint8_t ref_rtc_read(struct ref_rtc *ref, vtime_t now);

#endif
