// SPDX-License-Identifier: MIT
// The host's PL031 (ARM DDI 0224): seconds since 1970, in one register.
#ifndef ARCH_ARM64_HOST_RTC_H
#define ARCH_ARM64_HOST_RTC_H

#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/board.h"

#define HOSTRTC_DR 0x00u
#define HOSTRTC_CR 0x0cu

// 0: it has none, or one that was never set.
static inline uint32_t hostrtc_seconds(void)
{
    uint64_t at = board()->rtc;
    return at != 0 && (mmio_read32(at + HOSTRTC_CR) & 1) != 0 ? mmio_read32(at + HOSTRTC_DR) : 0;
}

#endif
