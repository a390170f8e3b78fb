// SPDX-License-Identifier: MIT
// What the host's RTC has in its registers, as seconds since 1970. Pure; host.c reads the registers.
#ifndef ARCH_X86_64_HOST_RTC_H
#define ARCH_X86_64_HOST_RTC_H

#include <stdint.h>

struct hostrtc {
    uint8_t second, minute, hour, day, month, year; // raw
    uint8_t century;                                // raw; 0: the host has no such register
    uint8_t status_b;
};

// 0 when the registers hold no date: the clock was never set, or there is none.
uint64_t hostrtc_seconds(const struct hostrtc *rtc);

#endif
