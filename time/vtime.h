// SPDX-License-Identifier: MIT
// Apparent time V of one VM: the policy that turns the ledger and the host counter into what the guest is shown.
//
//   clock=guest      V advances by the cycles the guest executed, and by nothing else but idle=
//   clock=guest+emu  the same, plus a modelled cost for each instruction that the monitor emulated
//   clock=wall       V is host time, whatever happens (what KVM gives)
//   idle=warp|real|freeze   a halt jumps V to the next deadline | lets host time pass | stands still
//
// A second of V has `hz` cycles, which need not be the counter's. A guest clock counts cycles that were executed, one
// for one, whatever a second of them is called; clock=wall, which has to keep real time, scales the counter.
//
// V never goes backwards (law 1). The guest's counter is V plus what the guest itself has added to it (x86's
// IA32_TSC_ADJUST), so a guest that writes its counter moves that and no other clock.
#ifndef TIME_VTIME_H
#define TIME_VTIME_H

#include "time/counterscale.h"
#include "time/units.h"

enum clock_policy { CLOCK_GUEST, CLOCK_GUEST_EMU, CLOCK_WALL };
enum idle_rule { IDLE_WARP, IDLE_REAL, IDLE_FREEZE };

struct vtime {
    uint64_t hz;          // cycles of V in one second of V
    vtime_t  now;         // V at the last exit or wake-up
    uint64_t wall_offset; // clock=wall: V = scaled host counter + wall_offset (mod 2^64)
    struct counterscale scale; // clock=wall: from the counter's cycles to V's
    uint64_t warped;      // cycles that idle=warp skipped, in sum
    vtime_t  cost_from, cost_to; // clock=guest+emu: V around the last modelled cost
    uint8_t  clock;       // enum clock_policy
    uint8_t  idle;        // enum idle_rule
    uint8_t  reserved[6];
};

// V starts at 0 when the host counter is host_now. `scale` is for clock=wall alone.
void vtime_start(struct vtime *vt, enum clock_policy clock, enum idle_rule idle, uint64_t hz, struct counterscale scale,
                 htime_t host_now);

// clock=wall: V is the counter's. Returns the new V. Unsigned wrap of the sum is meant: wall_offset is minus the
// counter at the start.
static inline vtime_t vtime_follow_host(struct vtime *vt, htime_t host_now)
{
    vtime_t host_v = counterscale_at(&vt->scale, host_now) + vt->wall_offset;
    HOT_INVARIANT(host_v >= vt->now);
    vt->now = host_v;
    return vt->now;
}

// Adds modelled cost in the middle of an exit (clock=guest+emu only; nothing under the other policies). Returns V.
static inline vtime_t vtime_emulated(struct vtime *vt, uint64_t emulated_cycles)
{
    if (vt->clock == CLOCK_GUEST_EMU) {
        vt->cost_from = vt->now;
        vt->cost_to = vt->now += emulated_cycles;
    }
    return vt->now;
}

// Has V passed `when` by the modelled cost of the last instruction? That is the guest's own time: nobody was late.
static inline bool vtime_in_emulation(const struct vtime *vt, vtime_t when)
{
    return vt->clock == CLOCK_GUEST_EMU && when > vt->cost_from && when <= vt->cost_to;
}

// After a world switch: guest_cycles from ledger_slice(), emulated_cycles the modelled cost since the last call
// (counted only by clock=guest+emu; 0 in the run loop, which adds the cost by vtime_emulated() when the instruction is
// over), host_now the t1 sample. Returns the new V.
static inline vtime_t vtime_ran(struct vtime *vt, uint64_t guest_cycles, uint64_t emulated_cycles, htime_t host_now)
{
    if (vt->clock == CLOCK_WALL)
        return vtime_follow_host(vt, host_now);
    vt->now += guest_cycles;
    return emulated_cycles != 0 ? vtime_emulated(vt, emulated_cycles) : vt->now;
}

// A halted vCPU: may V reach `deadline` at once? idle=warp under a guest clock: V becomes the deadline, true. Every
// other combination has to wait: false, V unchanged. deadline == TIME_NEVER is always false.
bool vtime_warp(struct vtime *vt, vtime_t deadline);

// Where V must not get ahead of the host counter: how many cycles that is short of `deadline`, if vtime_warp() would
// take V there. 0: it may.
uint64_t vtime_warp_ahead(const struct vtime *vt, vtime_t deadline, htime_t host_now);

// A halted vCPU really waited waited_cycles of host time, up to host_now. idle=real adds them to V, freeze does not;
// clock=wall follows the counter in any case. Returns the new V.
vtime_t vtime_idled(struct vtime *vt, uint64_t waited_cycles, htime_t host_now);

// How many host cycles a halted vCPU must wait for V to reach deadline; 0 when due; TIME_NEVER when waiting cannot help
// (idle=freeze under a guest clock, or no deadline).
uint64_t vtime_idle_wait(const struct vtime *vt, vtime_t deadline);

// The counter's offset for the entry is base + ((V - t0) & mask): guest clocks continue from V whatever t0 is,
// clock=wall looks at neither (time/TIME.md 3). Base and mask stay until the guest moves its counter. cost_in is the
// calibrated distance from sampling t0 to the guest's first instruction.
struct counter_plan {
    uint64_t base, mask;
};

// Guest clocks: the first instruction runs at counter t0 + cost_in and must read V + adjust there, so
//   (t0 + cost_in) + (base + V - t0) = V + adjust.
// All sums are modulo 2^64, as the hardware's own addition of the offset is.
static inline struct counter_plan vtime_counter_plan(const struct vtime *vt, uint64_t adjust, uint64_t cost_in)
{
    if (vt->clock == CLOCK_WALL)
        return (struct counter_plan){ .base = vt->wall_offset + adjust, .mask = 0 };
    return (struct counter_plan){ .base = adjust - cost_in, .mask = UINT64_MAX };
}

#endif
