// SPDX-License-Identifier: MIT
// The guest's counter at another rate than the host's, by the processor's own multiplication (SDM 3C 25.3, APM 2
// 15.30.5):
//
//     guest counter = (host counter * multiplier >> fraction_bits) + offset        modulo 2^64
//
// VMX has 16 bits before the point and 48 behind it, SVM 8 and 32. The multiplier is rounded down, so the guest's
// counter is never faster than it was asked to be, and slower by less than one part in `multiplier`: with VMX's 48 bits
// that is nothing, with SVM's 32 less than 0.5 ppb for every guest at 0.47 of the host's rate or more.
#ifndef TIME_COUNTERSCALE_H
#define TIME_COUNTERSCALE_H

#include "time/units.h"

// All zero: no scaling, 1:1.
struct counterscale {
    uint64_t multiplier;
    uint8_t  fraction_bits;
    uint8_t  reserved[7];
};

// What a processor offers. bits 0: nothing.
struct counterscale_format {
    uint8_t bits, fraction_bits; // of the multiplier in all, and behind the point
};

// The multiplier for a guest at guest_hz on a host at host_hz. False: it is 0 or does not fit. host_hz must not be 0.
bool counterscale_make(uint64_t guest_hz, uint64_t host_hz, struct counterscale_format format,
                       struct counterscale *out);

// The product that the processor forms of a host counter; 1:1 the counter itself. An offset for continuity is the
// guest's counter minus this, modulo 2^64.
uint64_t counterscale_product(const struct counterscale *scale, htime_t host);

static inline uint64_t counterscale_at(const struct counterscale *scale, htime_t host)
{
    return __builtin_expect(scale->multiplier == 0, 1) ? host : counterscale_product(scale, host);
}

// The host cycles after which, whenever they begin, the guest's counter has gone on by guest_cycles at least: rounded
// up, saturating at TIME_NEVER.
uint64_t counterscale_host_cycles(struct counterscale scale, uint64_t guest_cycles);

#endif
