// SPDX-License-Identifier: MIT
// A second 8254, one clock pulse at a time: registers, a decrement, an OUT flip-flop, as the data sheet draws them.
// Slow and plain on purpose: test_pit.c holds devices/pit.c against it. Shares nothing with that code but the phase it
// documents: a load or a GATE edge is a pulse, and the next comes ceil(hz / 1193182) cycles later.
#ifndef TOOLS_TESTS_NATIVE_PIT_REFERENCE_H
#define TOOLS_TESTS_NATIVE_PIT_REFERENCE_H

#include "time/units.h"

struct ref_pit_channel {
    uint64_t hz, clock; // clock: 1193182 is added each cycle of V, a pulse takes hz
    uint64_t rises;
    uint64_t last_rise; // V of the last rising edge of OUT
    uint16_t ce;        // counting element, register bits
    uint16_t cr;        // count register
    uint8_t control;
    bool out, gate, null, written, loaded, odd, expired;
    bool high_next_write, high_next_read;
    uint8_t low_written;
    bool latched, status_latched;
    uint16_t latch;
    uint8_t status;
};

void ref_pit_init(struct ref_pit_channel *ref, uint64_t hz, bool gate);
void ref_pit_run(struct ref_pit_channel *ref, vtime_t from, vtime_t to);
void ref_pit_control(struct ref_pit_channel *ref, uint8_t word, vtime_t now);
void ref_pit_latch_count(struct ref_pit_channel *ref);
void ref_pit_latch_status(struct ref_pit_channel *ref);
void ref_pit_write(struct ref_pit_channel *ref, uint8_t byte, vtime_t now);
uint8_t ref_pit_read(struct ref_pit_channel *ref);
void ref_pit_gate(struct ref_pit_channel *ref, bool gate, vtime_t now);

#endif
