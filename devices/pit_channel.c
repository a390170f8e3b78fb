// SPDX-License-Identifier: MIT
// The counting element of the 8254 (Intel 82C54 data sheet, order 231244, "Mode Definitions"). Called by pit.c only.
//
// A loaded counter is a function of `elapsed`, the clock pulses since its load: out_at(), value_at() and rises_until()
// are the six modes. A `load` starts a new such function. Everything else here decides when a load happens.
#include "devices/pit_channel.h"
#include "time/ratio.h"

#define NEVER UINT64_MAX // a distance in pulses that is not reached

// Six modes; bit 2 is ignored for 2 and 3 ("X10", "X11").
static unsigned mode_of(const struct pit_channel *c)
{
    unsigned field = (c->control >> 1) & 7;
    return field >= 6 ? field - 4 : field;
}

static bool is_periodic(const struct pit_channel *c)
{
    return mode_of(c) == 2 || mode_of(c) == 3;
}
static bool is_triggered(const struct pit_channel *c)
{
    return mode_of(c) == 1 || mode_of(c) == 5;
}
static bool is_bcd(const struct pit_channel *c)
{
    return c->control & 1;
}
static uint32_t modulus(const struct pit_channel *c)
{
    return is_bcd(c) ? 10000 : 65536;
}

// Mode 3, odd counts: high for (N + 1) / 2 pulses, low for (N - 1) / 2.
static uint32_t high_pulses(uint32_t count)
{
    return (count + 1) / 2;
}

// Counts that give no square wave and no rate: the data sheet forbids 1 in modes 2 and 3 (OUT then stays as it is at 1:
// low in mode 2, high in mode 3).
static bool is_degenerate(const struct pit_channel *c)
{
    return c->count == 1;
}

static uint64_t pulses_at(const struct pit_channel *c, vtime_t now)
{
    return mul_div_floor(now - c->origin, PIT_HZ, c->hz);
}

static uint64_t elapsed_at(const struct pit_channel *c, vtime_t now)
{
    return c->counting ? c->elapsed + pulses_at(c, now) : c->elapsed;
}

// Position within the square wave.
static uint64_t position(const struct pit_channel *c, uint64_t elapsed)
{
    return (elapsed % c->count + c->phase) % c->count;
}

static bool out_at(const struct pit_channel *c, uint64_t elapsed)
{
    switch (mode_of(c)) {
    case 0:
    case 1: return elapsed >= c->count;
    case 2: return elapsed % c->count != c->count - 1;
    case 3: return position(c, elapsed) < high_pulses(c->count);
    default: return elapsed != c->count; // a strobe of one pulse
    }
}

static bool out_now(const struct pit_channel *c, uint64_t elapsed)
{
    if (!c->loaded)
        return mode_of(c) != 0; // OUT's initial state
    if (is_periodic(c) && !c->gate)
        return true; // "GATE low sets OUT high immediately"
    return out_at(c, elapsed);
}

static uint32_t value_at(const struct pit_channel *c, uint64_t elapsed)
{
    uint64_t at;
    switch (mode_of(c)) {
    case 2: return c->count - (uint32_t)(elapsed % c->count);
    case 3: // counts down by two, from an even number, in each half
        at = position(c, elapsed);
        at -= at < high_pulses(c->count) ? 0 : high_pulses(c->count);
        return (c->count & ~1u) - 2 * (uint32_t)at;
    default: // wraps and goes on
        return (c->count + modulus(c) - (uint32_t)(elapsed % modulus(c))) % modulus(c);
    }
}

// Rising edges of OUT at the pulses 1..elapsed of this load.
static uint64_t rises_until(const struct pit_channel *c, uint64_t elapsed)
{
    if (is_periodic(c) && is_degenerate(c))
        return 0;
    switch (mode_of(c)) {
    case 0:
    case 1: return elapsed >= c->count;
    case 2: return elapsed / c->count;
    case 3: return elapsed / c->count + (elapsed % c->count + c->phase >= c->count);
    default: return elapsed > c->count;
    }
}

// Pulses from `elapsed` to the next rising edge of this load.
static uint64_t pulses_to_rise(const struct pit_channel *c, uint64_t elapsed)
{
    if (is_periodic(c))
        return is_degenerate(c) ? NEVER : c->count - position(c, elapsed);
    uint64_t at = c->count + (mode_of(c) >= 4);
    return elapsed < at ? at - elapsed : NEVER;
}

// Pulses from `elapsed` to the next falling edge of this load, as long as it lasts.
static uint64_t pulses_to_fall(const struct pit_channel *c, uint64_t elapsed)
{
    if (is_periodic(c) && is_degenerate(c))
        return NEVER;
    if (is_periodic(c)) {
        uint64_t fall = mode_of(c) == 2 ? c->count - 1 : high_pulses(c->count), at = position(c, elapsed);
        return at < fall ? fall - at : fall + c->count - at;
    }
    return mode_of(c) >= 4 && elapsed < c->count ? c->count - elapsed : NEVER;
}

// Pulses to the end of the period (mode 2) or half-period (mode 3), where a new count is taken.
static uint64_t pulses_to_reload(const struct pit_channel *c, uint64_t elapsed)
{
    uint64_t at = position(c, elapsed);
    if (mode_of(c) == 3 && at < high_pulses(c->count))
        return high_pulses(c->count) - at;
    return c->count - at;
}

static void set_out(struct pit_channel *c, bool out)
{
    c->rises += out && !c->out;
    c->out = out;
}

// Materialises the edges of the running load up to `elapsed`.
static void count_edges(struct pit_channel *c, uint64_t elapsed)
{
    uint64_t rises = rises_until(c, elapsed);
    c->rises += rises - c->counted;
    c->counted = rises;
    c->out = out_now(c, elapsed);
}

// Modes 2 and 3 take the new count at the end of the (half-)period, on the pulses of the old origin.
static void take_reload(struct pit_channel *c)
{
    bool low_half = mode_of(c) == 3 && out_at(c, c->reload_at - 1);
    c->elapsed -= c->reload_at;
    c->count = c->reload;
    c->phase = low_half ? high_pulses(c->count) % c->count : 0;
    c->counted = 0;
    c->null_count = false;
}

static bool waits_for_reload(const struct pit_channel *c)
{
    return is_periodic(c) && c->counting && c->null_count;
}

// A pulse at `now` moves the count register into the counting element.
static void load(struct pit_channel *c, vtime_t now)
{
    c->origin = now;
    c->elapsed = 0;
    c->count = c->reload;
    c->phase = 0;
    c->counted = 0;
    c->null_count = false;
    c->loaded = true;
    c->counting = c->gate;
    set_out(c, out_now(c, 0));
}

// Stops counting and forgets the load; reads go on giving what the counter had.
static void unload(struct pit_channel *c, vtime_t now)
{
    c->held = pit_channel_read(c, now);
    c->loaded = false;
    c->counting = false;
}

void pit_channel_init(struct pit_channel *c, uint64_t hz, bool gate)
{
    *c = (struct pit_channel){ .hz = hz, .gate = gate, .control = 0x34, .null_count = true, .out = true };
}

void pit_channel_advance(struct pit_channel *c, vtime_t now)
{
    if (!c->loaded || !c->counting)
        return;
    uint64_t elapsed = elapsed_at(c, now);
    if (waits_for_reload(c) && elapsed >= c->reload_at) {
        elapsed -= c->reload_at;
        count_edges(c, c->reload_at - 1);
        take_reload(c);
        set_out(c, out_at(c, 0));
    }
    count_edges(c, elapsed);
}

void pit_channel_set_control(struct pit_channel *c, uint8_t control, vtime_t now)
{
    unload(c, now);
    c->control = control & 0x3f;
    c->written = false;
    c->null_count = true;
    set_out(c, out_now(c, 0));
}

// 0 is the largest count. BCD digits above 9 are not defined by the data sheet: here they count as ten and more.
static uint32_t decode_count(const struct pit_channel *c, uint32_t written)
{
    if (is_bcd(c))
        written = ((written >> 12) * 1000 + ((written >> 8) & 15) * 100 + ((written >> 4) & 15) * 10 + (written & 15)) %
                  10000;
    return written ? written : modulus(c);
}

void pit_channel_set_count(struct pit_channel *c, uint16_t written, vtime_t now)
{
    c->reload = decode_count(c, written);
    c->written = true;
    if (is_triggered(c)) {
        c->null_count = true; // until the next trigger
    } else if (is_periodic(c) && c->loaded) {
        uint64_t elapsed = elapsed_at(c, now);
        c->reload_at = elapsed + pulses_to_reload(c, elapsed);
        c->null_count = true;
    } else {
        load(c, now);
    }
}

// "Writing the first byte disables counting. OUT is set low immediately" (mode 0); no effect in the other modes.
void pit_channel_first_byte(struct pit_channel *c, vtime_t now)
{
    if (mode_of(c) != 0)
        return;
    unload(c, now);
    set_out(c, false);
}

// Data sheet, "GATE Pin Operations Summary". Modes 1 and 5 count on while GATE is low. In mode 4 a strobe that is cut
// by GATE goes on with the counting.
void pit_channel_set_gate(struct pit_channel *c, bool gate, vtime_t now)
{
    if (gate == c->gate)
        return;
    c->gate = gate;
    if (is_triggered(c)) {
        if (gate && c->written)
            load(c, now);
    } else if (!c->loaded) {
        return;
    } else if (!gate) {
        c->elapsed = elapsed_at(c, now);
        c->counting = false;
        set_out(c, out_now(c, c->elapsed));
    } else if (is_periodic(c)) {
        load(c, now);
    } else {
        c->origin = now;
        c->counting = true;
    }
}

uint16_t pit_channel_read(const struct pit_channel *c, vtime_t now)
{
    if (!c->loaded)
        return c->held;
    uint32_t value = value_at(c, elapsed_at(c, now)) % modulus(c);
    if (is_bcd(c))
        value = value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
    return (uint16_t)value;
}

// V of the pulse that is so many after now.
static vtime_t v_of_pulse(const struct pit_channel *c, vtime_t now, uint64_t distance)
{
    if (distance == NEVER)
        return TIME_NEVER;
    return time_add(c->origin, mul_div_ceil(time_add(pulses_at(c, now), distance), c->hz, PIT_HZ));
}

vtime_t pit_channel_next_rise(const struct pit_channel *c, vtime_t now)
{
    if (!c->loaded || !c->counting)
        return TIME_NEVER;
    uint64_t elapsed = elapsed_at(c, now);
    uint64_t distance = pulses_to_rise(c, elapsed);
    if (waits_for_reload(c) && distance >= c->reload_at - elapsed) {
        struct pit_channel next = *c;
        take_reload(&next);
        bool rises_there = !out_at(c, c->reload_at - 1) && out_at(&next, 0);
        distance = rises_there ? 0 : pulses_to_rise(&next, 0);
        distance = time_add(distance, c->reload_at - elapsed);
    }
    return v_of_pulse(c, now, distance);
}

vtime_t pit_channel_next_fall(const struct pit_channel *c, vtime_t now)
{
    if (!c->loaded || !c->counting)
        return TIME_NEVER;
    uint64_t elapsed = elapsed_at(c, now);
    uint64_t distance = pulses_to_fall(c, elapsed);
    if (waits_for_reload(c) && c->reload_at - elapsed < distance)
        distance = c->reload_at - elapsed;
    return v_of_pulse(c, now, distance);
}

uint32_t pit_channel_period(const struct pit_channel *c)
{
    return is_periodic(c) && c->loaded && c->counting && !is_degenerate(c) ? c->count : 0;
}
