// SPDX-License-Identifier: MIT
// The local APIC's timer: one-shot, periodic and TSC-deadline (SDM 3A 11.5.4). lapic.c owns one and routes registers
// here.
//
// The APIC bus runs at the frequency of V, so a count is V cycles shifted by the divider and no rounding exists: event
// k of a periodic timer is at origin + k * TMICT * divider. Catching up over any number of periods is one division.
// What the manual leaves open is decided here once:
//   one-shot <-> periodic    the running count goes on; a count that has expired stays at 0 until TMICT is written
//   deadline <-> the others  disarms and zeroes TMICT (as KVM does)
//   mode 3 (reserved)        behaves as a disarmed timer: TMICT and the deadline MSR ignore writes
//   TDCR while running       the count read at that moment goes on under the new divider; the prescaler starts afresh
//   masked LVT               counts and expires in silence; the deadline MSR becomes 0 as well
#ifndef DEVICES_LAPIC_TIMER_H
#define DEVICES_LAPIC_TIMER_H

#include "time/units.h"

#define LAPIC_LVT_MASKED         0x00010000u
#define LAPIC_TIMER_MODE         0x00060000u
#define LAPIC_TIMER_ONE_SHOT     0x00000000u
#define LAPIC_TIMER_PERIODIC     0x00020000u
#define LAPIC_TIMER_TSC_DEADLINE 0x00040000u

struct lapic_timer {
    vtime_t expiry;        // V of the next expiry; TIME_NEVER while stopped
    uint64_t deadline_tsc; // IA32_TSC_DEADLINE as the guest wrote it; 0 while disarmed
    uint64_t expired;      // unmasked expiries that nobody has taken yet
    uint64_t stale;        // of those, from before the guest last reprogrammed the timer
    uint32_t lvt;          // LVTT
    uint32_t initial;      // TMICT
    uint32_t divide;       // TDCR
    uint32_t shift;        // log2 of the divider
    uint32_t restarted;    // the guest has reprogrammed it since somebody asked
    uint32_t reserved;
};

// Power-up state: one-shot, masked, stopped, divide by 2.
void lapic_timer_reset(struct lapic_timer *timer);

// Expires everything due by now. The writes below do it first themselves, so their order against an expiry is exact.
void lapic_timer_advance(struct lapic_timer *timer, vtime_t now);

// When advance() will have something to show that nobody can compute by reading: TIME_NEVER for a masked count.
vtime_t lapic_timer_next(const struct lapic_timer *timer);

void lapic_timer_write_lvt(struct lapic_timer *timer, uint32_t value, vtime_t now);
void lapic_timer_write_initial(struct lapic_timer *timer, uint32_t count, vtime_t now);
void lapic_timer_write_divide(struct lapic_timer *timer, uint32_t value, vtime_t now);
uint32_t lapic_timer_current(const struct lapic_timer *timer, vtime_t now); // TMCCT

// IA32_TSC_DEADLINE. The guest's TSC is now + tsc_adjust (mod 2^64). The timer fires when the TSC is equal to or above
// the deadline as unsigned numbers (SDM 3A 11.5.4.1), so all ones is the far future and not the past.
void lapic_timer_write_deadline(struct lapic_timer *timer, uint64_t guest_tsc, uint64_t tsc_adjust, vtime_t now);

// The guest moved its TSC: an armed deadline keeps its TSC value and is due at another V, perhaps at once.
void lapic_timer_tsc_moved(struct lapic_timer *timer, uint64_t tsc_adjust, vtime_t now);

// TMICT * divider in periodic mode, else 0.
uint64_t lapic_timer_period(const struct lapic_timer *timer);

#endif
