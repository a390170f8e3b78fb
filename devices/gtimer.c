// SPDX-License-Identifier: MIT
// The generic timer's registers (Arm ARM DDI 0487, D11.2.4 and the descriptions of CNTP_CTL, CNTP_CVAL, CNTP_TVAL).
// Called for what the guest's trapped accesses ask, and with the registers of the channel that the hardware runs
// itself.
#include "devices/gtimer.h"

static bool condition_met(const struct gtimer_channel *channel, vtime_t now)
{
    return now >= channel->cval;
}

static bool may_raise(const struct gtimer_channel *channel)
{
    return (channel->ctl & (GTIMER_CTL_ENABLE | GTIMER_CTL_IMASK)) == GTIMER_CTL_ENABLE;
}

// What the architecture leaves unknown after reset is 0 here; disabled is what it promises.
void gtimer_init(struct gtimer *timer)
{
    *timer = (struct gtimer){ 0 };
}

// Of a disabled channel ISTATUS and TVAL are unknown to the architecture: ISTATUS reads 0, TVAL as ever.
uint64_t gtimer_read(const struct gtimer *timer, unsigned channel, enum gtimer_register reg, vtime_t now)
{
    const struct gtimer_channel *c = &timer->channel[channel];
    switch (reg) {
    case GTIMER_CTL: return c->ctl | (c->ctl & GTIMER_CTL_ENABLE && condition_met(c, now) ? GTIMER_CTL_ISTATUS : 0);
    case GTIMER_CVAL: return c->cval;
    case GTIMER_TVAL: break;
    }
    return (uint32_t)(c->cval - now);
}

// TVAL is a signed distance of 32 bits: CVAL becomes CNT plus it, modulo 2^64.
void gtimer_write(struct gtimer *timer, unsigned channel, enum gtimer_register reg, uint64_t value, vtime_t now)
{
    struct gtimer_channel *c = &timer->channel[channel];
    switch (reg) {
    case GTIMER_CTL: c->ctl = (uint32_t)(value & (GTIMER_CTL_ENABLE | GTIMER_CTL_IMASK)); return;
    case GTIMER_CVAL: c->cval = value; return;
    case GTIMER_TVAL: break;
    }
    c->cval = now + (uint64_t)(int64_t)(int32_t)(uint32_t)value;
}

bool gtimer_line(const struct gtimer *timer, unsigned channel, vtime_t now)
{
    const struct gtimer_channel *c = &timer->channel[channel];
    return may_raise(c) && condition_met(c, now);
}

// A compare value of all ones is TIME_NEVER, and the counter never gets there.
vtime_t gtimer_deadline(const struct gtimer *timer, unsigned channel, vtime_t now)
{
    const struct gtimer_channel *c = &timer->channel[channel];
    return may_raise(c) && !condition_met(c, now) ? c->cval : TIME_NEVER;
}
