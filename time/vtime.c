// SPDX-License-Identifier: MIT
// The policies that make V: see vtime.h. Called by the run loop after each world switch, in emulation and around halts,
// with samples the caller took. Every function moves V forward or leaves it; there is no way to set it.
// Bound: V is 64 bits of cycles, 195 years at 3 GHz, and is never compared modulo 2^64.
#include "time/vtime.h"

static bool follows_host(const struct vtime *vt)
{
    return vt->clock == CLOCK_WALL;
}

void vtime_start(struct vtime *vt, enum clock_policy clock, enum idle_rule idle, uint64_t hz, struct counterscale scale,
                 htime_t host_now)
{
    HOT_INVARIANT(hz != 0 && (clock == CLOCK_WALL || scale.multiplier == 0));
    *vt = (struct vtime){ .hz = hz,
                          .wall_offset = -counterscale_at(&scale, host_now),
                          .scale = scale,
                          .clock = (uint8_t)clock,
                          .idle = (uint8_t)idle };
}

static bool warps_to(const struct vtime *vt, vtime_t deadline)
{
    return !follows_host(vt) && vt->idle == IDLE_WARP && deadline != TIME_NEVER;
}

uint64_t vtime_warp_ahead(const struct vtime *vt, vtime_t deadline, htime_t host_now)
{
    return warps_to(vt, deadline) && deadline > host_now ? deadline - host_now : 0;
}

// A deadline that V has passed is reached, and V stays: law 1.
bool vtime_warp(struct vtime *vt, vtime_t deadline)
{
    if (!warps_to(vt, deadline))
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
        return vtime_follow_host(vt, host_now);
    if (vt->idle == IDLE_REAL)
        vt->now += waited_cycles;
    return vt->now;
}

// A guest clock that runs at all runs 1:1 with the counter, so the distance in V is the distance on the host;
// clock=wall's is scaled. Under idle=warp there is nothing to wait for: vtime_warp() takes V there.
uint64_t vtime_idle_wait(const struct vtime *vt, vtime_t deadline)
{
    if (deadline == TIME_NEVER)
        return TIME_NEVER;
    if (deadline <= vt->now)
        return 0;
    if (follows_host(vt) || vt->idle == IDLE_REAL)
        return counterscale_host_cycles(vt->scale, deadline - vt->now);
    return vt->idle == IDLE_WARP ? 0 : TIME_NEVER;
}
