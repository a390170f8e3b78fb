// SPDX-License-Identifier: MIT
// HPET, the high precision event timers (IA-PC HPET specification 1.0a): one block of 1 KiB at 0xfed00000, a 64-bit
// main counter of exactly 10 MHz (100,000,000 fs, the longest period the specification allows, and one that is a whole
// number of nanoseconds), two timers that can both be one-shot or periodic, 32 or 64 bits, edge or level.
//
// The running counter is base + floor((V - origin) * 10^7 / hz): the moment it is enabled is a tick, and the tick that
// makes it n comes at V = origin + ceil((n - base) * hz / 10^7). A timer fires when the counter steps to its
// comparator; one that it has passed fires after a wrap around, as on the chip. A periodic comparator then moves on by
// the value written last, any number of times in one division. A period of 0 leaves the comparator where it is.
//
// The output of an edge-triggered timer goes up with a match and stays up to the tick before the next one, so that an
// 8259, which wants to see it until the acknowledge cycle, can be used with it, and each match is an edge. The
// specification says only that there is an edge.
//
// Legacy replacement gives timer 0 the interrupt of the 8254 (IRQ 0) and timer 1 that of the RTC (IRQ 8). Otherwise a
// timer has the IOAPIC pin of its choice, 20 to 23.
#ifndef DEVICES_HPET_H
#define DEVICES_HPET_H

#include "devices/device.h"
#include "time/ratio.h"

#define HPET_BASE   0xfed00000u
#define HPET_SIZE   0x400u
#define HPET_HZ     10000000u
// The specification asks for three. Linux, at boot, calibrates on the first one that legacy replacement leaves free:
// it writes that comparator and polls the counter until 1 ms has passed, at least twice. With clock=guest an access
// costs the guest nothing, so this is 500,000 exits and nine tenths of the monitor's work in a boot. With two none
// is free.
#define HPET_TIMERS 2u
#define HPET_NO_LINE UINT32_MAX

struct hpet_timer {
    struct irq_line irq;
    uint64_t comparator;
    uint64_t period; // the value written last
    uint32_t config;
    uint32_t stale; // of irq.rises, from before the guest last programmed this timer
    uint32_t restarted;
    uint32_t fired; // edge: the output is up since the last match
};

struct hpet {
    struct ratio per_cycle; // ticks in a cycle of V
    vtime_t origin;         // V of a tick
    uint64_t base;          // the counter at origin; all of it while halted
    uint64_t elapsed;       // ticks from origin to `seen`
    vtime_t seen;           // the latest V that everything is brought up to
    uint32_t config;
    uint32_t status; // of the timers that are level-triggered, a bit each
    uint32_t changed; // brought up to date or written since the board looked last
    uint32_t reserved;
    struct hpet_timer timer[HPET_TIMERS];
};

// guest_hz, the rate of V, must be at least 10^7.
void hpet_init(struct hpet *hpet, uint64_t guest_hz);

extern const struct device_ops hpet_ops; // offsets from HPET_BASE

// The next deadline of one timer; that of hpet_ops is the lesser of the two.
vtime_t hpet_timer_deadline(const struct hpet *hpet, unsigned timer);

// The next moment at which the output of an edge-triggered timer can fall; where that matters it is a deadline, too.
vtime_t hpet_timer_fall(const struct hpet *hpet, unsigned timer);

// Has anything happened to it since the last call but reads of its counter?
bool hpet_take_changed(struct hpet *hpet);

// May any timer interrupt, as it is programmed?
bool hpet_interrupting(const struct hpet *hpet);

// Do timers 0 and 1 have the interrupts of the 8254 and the RTC?
bool hpet_legacy(const struct hpet *hpet);

// The interrupt line of a timer: IRQ 0 or 8, or an IOAPIC pin from 20 on; HPET_NO_LINE while it has none.
uint32_t hpet_line(const struct hpet *hpet, unsigned timer);

bool hpet_level_triggered(const struct hpet *hpet, unsigned timer);

// Has the guest programmed this timer since the last call? *stale: pulses from before that, taken with this call.
bool hpet_take_restart(struct hpet *hpet, unsigned timer, uint32_t *stale);

// Cycles of V between two pulses, rounded down; 0 if the timer is not periodic. For spacing ticks, never for adding
// them up.
uint64_t hpet_period_cycles(const struct hpet *hpet, unsigned timer);

#endif
