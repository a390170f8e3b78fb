// SPDX-License-Identifier: MIT
// The guest's counter at another rate than the host's: see counterscale.h.
#include "time/counterscale.h"

bool counterscale_make(uint64_t guest_hz, uint64_t host_hz, struct counterscale_format format,
                       struct counterscale *out)
{
    unsigned __int128 multiplier = ((unsigned __int128)guest_hz << format.fraction_bits) / host_hz;
    if (multiplier == 0 || multiplier >> format.bits != 0)
        return false;
    *out = (struct counterscale){ .multiplier = (uint64_t)multiplier, .fraction_bits = format.fraction_bits };
    return true;
}

// Out of line: clock=wall asks at every exit, and mostly nothing is scaled.
__attribute__((noinline)) uint64_t counterscale_product(const struct counterscale *scale, htime_t host)
{
    return (uint64_t)((unsigned __int128)host * scale->multiplier >> scale->fraction_bits);
}

// Let d host cycles be d * multiplier >= guest_cycles << fraction_bits. Then the product's whole part goes on by
// guest_cycles at least, whatever fraction it had. No overflow: fraction_bits is at most 48.
uint64_t counterscale_host_cycles(struct counterscale scale, uint64_t guest_cycles)
{
    if (scale.multiplier == 0 || guest_cycles == TIME_NEVER)
        return guest_cycles;
    unsigned __int128 wanted = (unsigned __int128)guest_cycles << scale.fraction_bits;
    unsigned __int128 cycles = (wanted + scale.multiplier - 1) / scale.multiplier;
    return cycles > TIME_NEVER ? TIME_NEVER : (uint64_t)cycles;
}
