// SPDX-License-Identifier: MIT
// The policies that make V: see vtime.h. Called by the run loop after each world switch, in emulation and around HLT,
// with samples the caller took. Every function moves V forward or leaves it; there is no way to set it.
// Bound: V is 64 bits of cycles, 195 years at 3 GHz, and is never compared modulo 2^64.
#include "time/vtime.h"

static bool follows_host(const struct vtime *vt)
{
    return vt->clock == CLOCK_WALL;
}

// clock=wall: the counter decides. Unsigned wrap of the sum is meant: wall_offset is minus the counter at the start.
static vtime_t follow_host(struct vtime *vt, htime_t host_now)
{
    vtime_t host_v = host_now + vt->wall_offset;
    INVARIANT(host_v >= vt->now);
    vt->now = host_v;
    return vt->now;
}

void vtime_start(struct vtime *vt, enum clock_policy clock, enum idle_rule idle, uint64_t hz, htime_t host_now)
{
    INVARIANT(hz != 0);
    *vt = (struct vtime){ .hz = hz, .wall_offset = -host_now, .clock = (uint8_t)clock, .idle = (uint8_t)idle };
}

vtime_t vtime_ran(struct vtime *vt, uint64_t guest_cycles, uint64_t emulated_cycles, htime_t host_now)
{
    if (follows_host(vt))
        return follow_host(vt, host_now);
    vt->now += guest_cycles;
    return vtime_emulated(vt, emulated_cycles);
}

vtime_t vtime_emulated(struct vtime *vt, uint64_t emulated_cycles)
{
    if (vt->clock == CLOCK_GUEST_EMU)
        vt->now += emulated_cycles;
    return vt->now;
}

// A deadline already behind V is reached, and V stays: law 1.
bool vtime_warp(struct vtime *vt, vtime_t deadline)
{
    if (follows_host(vt) || vt->idle != IDLE_WARP || deadline == TIME_NEVER)
        return false;
    if (deadline > vt->now) {
        vt->warped += deadline - vt->now;
        vt->now = deadline;
    }
    return true;
}

// Under idle=warp a vCPU waits only when it has no deadline at all, and then V stands still until the input comes.
vtime_t vtime_idled(struct vtime *vt, uint64_t waited_cycles, htime_t host_now)
{
    if (follows_host(vt))
        return follow_host(vt, host_now);
    if (vt->idle == IDLE_REAL)
        vt->now += waited_cycles;
    return vt->now;
}

// V runs 1:1 with the counter where it runs at all, so the distance in V is the distance on the host. Under idle=warp
// there is nothing to wait for: vtime_warp() takes V there.
uint64_t vtime_idle_wait(const struct vtime *vt, vtime_t deadline)
{
    if (deadline == TIME_NEVER)
        return TIME_NEVER;
    if (deadline <= vt->now)
        return 0;
    if (follows_host(vt) || vt->idle == IDLE_REAL)
        return deadline - vt->now;
    return vt->idle == IDLE_WARP ? 0 : TIME_NEVER;
}

// Guest clocks: the first instruction runs at counter t0 + cost_in and must read V + tsc_adjust there, so
//   (t0 + cost_in) + (base - t0) = V + tsc_adjust.
// All sums are modulo 2^64, as the hardware's own addition of the offset is.
struct tsc_plan vtime_tsc_plan(const struct vtime *vt, uint64_t tsc_adjust, uint64_t cost_in)
{
    if (follows_host(vt))
        return (struct tsc_plan){ .base = vt->wall_offset + tsc_adjust, .mask = 0 };
    return (struct tsc_plan){ .base = vt->now + tsc_adjust - cost_in, .mask = UINT64_MAX };
}
