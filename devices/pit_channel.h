// SPDX-License-Identifier: MIT
// One counter of the 8254: what the chip's counting element does, as arithmetic on V. Used by pit.c, which owns the
// ports, the latches and the wiring. Never a loop over clock pulses: any distance in V costs the same.
//
// Time is counted in pulses of the input clock, 1193182 Hz exactly. (The crystal's 14.31818 MHz / 12 is 1193181.67 Hz;
// everybody's calibration code says 1193182, and so does this one.) The phase of the pulses is a choice: a count that
// is written to a stopped or reloadable counter, and an edge on GATE, coincide with a pulse. That pulse is `origin`,
// and pulse n after it comes at V = origin + ceil(n * hz / 1193182), never rounded twice. Modes 2 and 3 stay on the
// pulses of their origin for ever, also when they take a new count.
#ifndef DEVICES_PIT_CHANNEL_H
#define DEVICES_PIT_CHANNEL_H

#include "time/units.h"

#define PIT_HZ 1193182u

struct pit_channel {
    vtime_t origin;     // V of a clock pulse
    uint64_t hz;        // cycles of V in a second
    uint64_t elapsed;   // pulses counted since the load, at origin; modulo 2^64, so that a load can be after origin
    uint64_t reload_at; // modes 2 and 3 with null_count: pulses since the load at which the new count is taken
    uint64_t counted;   // rising edges of OUT since the load that are in `rises` already
    uint64_t rises;     // rising edges of OUT that pit.c has not taken
    uint32_t count;     // the running count, 1..65536 (a written 0 is the largest)
    uint32_t reload;    // the last count written, 1..65536
    uint32_t phase;     // mode 3: position within the square wave at the load
    uint16_t held;      // what a read gives while no count is loaded, as register bits
    uint8_t control;    // bits 5..0 of the control word, as the status byte gives them back
    uint8_t gate;       // level of the GATE pin
    uint8_t written;    // a count was written since the control word
    uint8_t loaded;     // ... and has reached the counting element
    uint8_t counting;   // ... which is not stopped
    uint8_t null_count; // status bit 6: the last count written is not loaded yet
    uint8_t out;        // level of the OUT pin, at the V of the last call
    uint8_t reserved[3];
};

// Power-on leaves an 8254 undefined. Ours is stopped in mode 2 with OUT high, so that nothing ticks before it is asked
// to.
void pit_channel_init(struct pit_channel *channel, uint64_t hz, bool gate);

// Everything below wants pit_channel_advance(channel, now) before it.
void pit_channel_advance(struct pit_channel *channel, vtime_t now);
void pit_channel_set_control(struct pit_channel *channel, uint8_t control, vtime_t now);
void pit_channel_set_count(struct pit_channel *channel, uint16_t written, vtime_t now);
void pit_channel_set_gate(struct pit_channel *channel, bool gate, vtime_t now);
void pit_channel_first_byte(struct pit_channel *channel, vtime_t now); // the first of a two-byte count

// The counter as 16 register bits, BCD or binary as programmed.
uint16_t pit_channel_read(const struct pit_channel *channel, vtime_t now);

// V of the next rising edge of OUT after now; TIME_NEVER if none comes by itself.
vtime_t pit_channel_next_rise(const struct pit_channel *channel, vtime_t now);

// V of the next moment after now at which OUT can fall: not later than the next fall.
vtime_t pit_channel_next_fall(const struct pit_channel *channel, vtime_t now);

// Clock pulses of one period of OUT, 0 if it is not periodic.
uint32_t pit_channel_period(const struct pit_channel *channel);

#endif
