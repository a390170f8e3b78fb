// SPDX-License-Identifier: MIT
// The pulse-by-pulse 8254 of pit_reference.h. Used by test_pit.c only.
#include "tools/tests/native/pit_reference.h"

#define CLOCK_HZ 1193182

static unsigned mode(const struct ref_pit_channel *r)
{
    static const unsigned modes[8] = { 0, 1, 2, 3, 4, 5, 2, 3 };
    return modes[(r->control & 0x0e) >> 1];
}

// The decrementer: four decades or sixteen bits.
static uint16_t minus_one(const struct ref_pit_channel *r, uint16_t value)
{
    if (!(r->control & 1))
        return (uint16_t)(value - 1);
    for (unsigned digit = 0; digit < 4; digit++) {
        if ((value >> 4 * digit) & 0xf)
            return (uint16_t)(value - (1 << 4 * digit));
        value = (uint16_t)(value | (9 << 4 * digit));
    }
    return 0x9999;
}

static void drive(struct ref_pit_channel *r, bool out, vtime_t now)
{
    if (out && !r->out) {
        r->rises++;
        r->last_rise = now;
    }
    r->out = out;
}

// CR -> CE. In mode 3 an odd count loses its last bit and is remembered as odd.
static void transfer(struct ref_pit_channel *r)
{
    r->odd = r->cr & 1;
    r->ce = mode(r) == 3 ? (uint16_t)(r->cr & ~1) : r->cr;
    r->null = false;
}

static void first_load(struct ref_pit_channel *r, vtime_t now)
{
    transfer(r);
    r->loaded = true;
    r->expired = false;
    r->clock = 0;
    switch (mode(r)) {
    case 0:
    case 1: drive(r, false, now); break;
    case 2: drive(r, !r->gate || r->ce != 1, now); break;
    default: drive(r, true, now); break;
    }
}

static void square_wave_pulse(struct ref_pit_channel *r, vtime_t now)
{
    if (r->ce != (r->out && r->odd ? 0 : 2)) {
        r->ce = minus_one(r, minus_one(r, r->ce));
        return;
    }
    bool next = !r->out;
    transfer(r);
    if (r->cr == 1)
        next = true; // a low half of no pulses
    drive(r, next, now);
}

static void pulse(struct ref_pit_channel *r, vtime_t now)
{
    unsigned m = mode(r);
    if (!r->loaded || (!r->gate && m != 1 && m != 5))
        return;
    if (m == 3) {
        square_wave_pulse(r, now);
        return;
    }
    if (m == 2) {
        if (r->ce == 1)
            transfer(r);
        else
            r->ce = minus_one(r, r->ce);
        drive(r, r->ce != 1, now);
        return;
    }
    if (m >= 4)
        drive(r, true, now);
    r->ce = minus_one(r, r->ce);
    if (r->ce == 0 && !r->expired) {
        r->expired = true;
        drive(r, m < 2, now);
    }
}

void ref_pit_init(struct ref_pit_channel *r, uint64_t hz, bool gate)
{
    *r = (struct ref_pit_channel){ .hz = hz, .gate = gate, .control = 0x34, .out = true, .null = true };
}

void ref_pit_run(struct ref_pit_channel *r, vtime_t from, vtime_t to)
{
    while (from < to) {
        uint64_t wait = (r->hz - r->clock + CLOCK_HZ - 1) / CLOCK_HZ;
        if (wait > to - from) {
            r->clock += (to - from) * CLOCK_HZ;
            return;
        }
        from += wait;
        r->clock = r->clock + wait * CLOCK_HZ - r->hz;
        pulse(r, from);
    }
}

void ref_pit_control(struct ref_pit_channel *r, uint8_t word, vtime_t now)
{
    r->control = word & 0x3f;
    r->null = true;
    r->written = r->loaded = false;
    r->high_next_read = r->high_next_write = false;
    r->latched = r->status_latched = false;
    drive(r, mode(r) != 0, now);
}

void ref_pit_latch_count(struct ref_pit_channel *r)
{
    if (!r->latched)
        r->latch = r->ce;
    r->latched = true;
}

void ref_pit_latch_status(struct ref_pit_channel *r)
{
    if (!r->status_latched)
        r->status = (uint8_t)(r->control + (r->out ? 128 : 0) + (r->null ? 64 : 0));
    r->status_latched = true;
}

static void count_written(struct ref_pit_channel *r, uint16_t count, vtime_t now)
{
    unsigned m = mode(r);
    r->cr = count;
    r->written = true;
    r->null = true;
    if (m == 0 || m == 4 || ((m == 2 || m == 3) && !r->loaded))
        first_load(r, now);
}

void ref_pit_write(struct ref_pit_channel *r, uint8_t byte, vtime_t now)
{
    switch (r->control & 0x30) {
    case 0x10: count_written(r, byte, now); return;
    case 0x20: count_written(r, (uint16_t)(byte * 256), now); return;
    default: break;
    }
    if (r->high_next_write) {
        r->high_next_write = false;
        count_written(r, (uint16_t)(byte * 256 + r->low_written), now);
        return;
    }
    r->high_next_write = true;
    r->low_written = byte;
    if (mode(r) == 0) {
        r->loaded = false;
        drive(r, false, now);
    }
}

uint8_t ref_pit_read(struct ref_pit_channel *r)
{
    if (r->status_latched) {
        r->status_latched = false;
        return r->status;
    }
    uint16_t count = r->latched ? r->latch : r->ce;
    if ((r->control & 0x30) == 0x10) {
        r->latched = false;
        return (uint8_t)(count % 256);
    }
    if ((r->control & 0x30) == 0x20 || r->high_next_read) {
        r->latched = false;
        r->high_next_read = false;
        return (uint8_t)(count / 256);
    }
    r->high_next_read = true;
    return (uint8_t)(count % 256);
}

void ref_pit_gate(struct ref_pit_channel *r, bool gate, vtime_t now)
{
    unsigned m = mode(r);
    bool rising = gate && !r->gate, falling = !gate && r->gate;
    r->gate = gate;
    if (falling && r->loaded && (m == 2 || m == 3))
        drive(r, true, now);
    if (!rising)
        return;
    if (m == 0 || m == 4)
        r->clock = 0;
    else if (r->written)
        first_load(r, now);
}
