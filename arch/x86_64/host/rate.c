// SPDX-License-Identifier: MIT
// Interval arithmetic on rates: see rate.h. Pure; called by tsc.c and by the native tests. Bounds round outwards, so
// the truth stays inside.
#include "arch/x86_64/host/rate.h"

#include "time/ratio.h"

#define PPM 1000000u

bool rate_measured(uint64_t cycles_low, uint64_t cycles_high, uint64_t ticks, uint64_t num, uint64_t den,
                   struct rate *out)
{
    uint64_t divisor;
    if (ticks == 0 || num == 0 || den == 0 || cycles_low == 0 || cycles_high < cycles_low ||
        __builtin_mul_overflow(ticks, den, &divisor))
        return false;
    out->low_hz = mul_div_floor(cycles_low, num, divisor);
    out->high_hz = mul_div_ceil(cycles_high, num, divisor);
    return out->low_hz > 0 && out->high_hz < TIME_NEVER;
}

struct rate rate_widened(struct rate rate, uint64_t ppm)
{
    return (struct rate){ rate.low_hz - mul_div_floor(rate.low_hz, ppm < PPM ? ppm : PPM, PPM),
                          time_add(rate.high_hz, mul_div_ceil(rate.high_hz, ppm, PPM)) };
}

uint64_t rate_middle(struct rate rate)
{
    return rate.low_hz + (rate.high_hz - rate.low_hz) / 2;
}

bool rate_agree(struct rate a, struct rate b)
{
    uint64_t x = rate_middle(a), y = rate_middle(b);
    return (x > y ? x - y : y - x) <= (x > y ? x : y) / 1000;
}

uint64_t rate_choose(struct rate a, struct rate b, bool *round)
{
    uint64_t low = a.low_hz > b.low_hz ? a.low_hz : b.low_hz;
    uint64_t high = a.high_hz < b.high_hz ? a.high_hz : b.high_hz;
    *round = false;
    if (low > high) {
        low = a.low_hz;
        high = a.high_hz;
    }
    for (uint64_t step = NS_PER_S; step >= 1000; step /= 10) {
        uint64_t last = high / step * step;
        if (last < low || last == 0)
            continue;
        bool alone = last < step || last - step < low;
        *round = alone && (high - low <= high / 10000 || high - low <= step / 500);
        return *round ? last : rate_middle((struct rate){ low, high });
    }
    return rate_middle((struct rate){ low, high });
}
