// SPDX-License-Identifier: MIT
// The registers of the HPET and its comparators (IA-PC HPET specification 1.0a, 2.3). Called by the bus with V.
//
// Registers are taken by aligned accesses of 32 or 64 bits, as the specification demands; at any other nobody answers.
#include "devices/hpet.h"

#define CAPABILITIES  0x000
#define CONFIGURATION 0x010
#define STATUS        0x020
#define COUNTER       0x0f0
#define TIMER_0       0x100 // each 0x20 on the next
#define TIMER_STRIDE  0x20
#define TIMER_CONFIG  0x00
#define TIMER_COMPARE 0x08

#define PERIOD_FS     UINT64_C(100000000)
// Intel, legacy routes, 64 bits, revision 1.
#define CAPS          (PERIOD_FS << 32 | 0x8086a001u | (HPET_TIMERS - 1) << 8)

#define ENABLE        1u
#define LEGACY        2u

#define T_LEVEL       0x0002u
#define T_INTERRUPT   0x0004u
#define T_PERIODIC    0x0008u
#define T_CAN         0x0030u // periodic, 64 bits
#define T_SET_VALUE   0x0040u
#define T_32_BITS     0x0100u
#define T_ROUTE       0x3e00u
#define T_ROUTE_SHIFT 9
#define T_WRITABLE    (T_LEVEL | T_INTERRUPT | T_PERIODIC | T_SET_VALUE | T_32_BITS)
#define PINS          0x00f00000u // 20 to 23: no device of the ISA bus is there
#define LEGACY_IRQ_0  0u
#define LEGACY_IRQ_1  8u

// --- the counter ----------------------------------------------------------------------------------------------------

static uint64_t elapsed_at(const struct hpet *hpet, vtime_t now)
{
    return hpet->config & ENABLE ? ratio_floor(hpet->per_cycle, now - hpet->origin) : 0;
}

static uint64_t counter_at(const struct hpet *hpet, vtime_t now)
{
    return hpet->base + elapsed_at(hpet, now);
}

// --- the comparators ------------------------------------------------------------------------------------------------

static uint64_t width_mask(const struct hpet_timer *timer)
{
    return timer->config & T_32_BITS ? UINT32_MAX : UINT64_MAX;
}

// Ticks from counter value `from` to the next match, 0 for never: 2^64 ticks are beyond the end of V.
static uint64_t match_distance(const struct hpet_timer *timer, uint64_t from)
{
    uint64_t mask = width_mask(timer), distance = (timer->comparator - from) & mask;
    return distance == 0 ? mask + 1 : distance;
}

// Ticks from one match to the next, 0 for never.
static uint64_t match_period(const struct hpet_timer *timer)
{
    uint64_t mask = width_mask(timer), period = timer->config & T_PERIODIC ? timer->period & mask : 0;
    return period == 0 ? mask + 1 : period;
}

// Counts the matches while the counter goes `ticks` on from `from`, and moves a periodic comparator past them.
static uint64_t take_matches(struct hpet_timer *timer, uint64_t from, uint64_t ticks)
{
    uint64_t first = match_distance(timer, from), period = match_period(timer);
    if (first == 0 || ticks < first)
        return 0;
    uint64_t matches = 1 + (period != 0 ? (ticks - first) / period : 0);
    if (timer->config & T_PERIODIC)
        timer->comparator = (timer->comparator + matches * timer->period) & width_mask(timer);
    return matches;
}

static bool interrupts(const struct hpet *hpet, const struct hpet_timer *timer)
{
    return hpet->config & ENABLE && timer->config & T_INTERRUPT;
}

// The edges of an edge-triggered timer are counted where it fires.
static void update_level(struct hpet *hpet, unsigned i)
{
    struct hpet_timer *timer = &hpet->timer[i];
    bool edge = !(timer->config & T_LEVEL);
    if (!edge || !interrupts(hpet, timer) || match_distance(timer, hpet->base + hpet->elapsed) == 1)
        timer->fired = false;
    if (edge)
        timer->irq.level = timer->fired != 0;
    else
        irq_line_set(&timer->irq, hpet->status >> i & 1 && interrupts(hpet, timer));
}

// A jump over more than 2^32 pulses, seven minutes of the fastest rate, saturates instead of wrapping.
static void fire(struct hpet *hpet, unsigned i, uint64_t matches)
{
    struct hpet_timer *timer = &hpet->timer[i];
    if (timer->config & T_LEVEL) {
        hpet->status |= 1u << i;
    } else if (interrupts(hpet, timer)) {
        timer->irq.rises = matches > UINT32_MAX - timer->irq.rises ? UINT32_MAX : timer->irq.rises + (uint32_t)matches;
        timer->fired = true;
    }
}

static void hpet_advance(void *device, vtime_t now)
{
    struct hpet *hpet = device;
    HOT_INVARIANT(now >= hpet->seen);
    uint64_t elapsed = elapsed_at(hpet, now), from = hpet->base + hpet->elapsed;
    uint64_t ticks = elapsed - hpet->elapsed;
    hpet->elapsed = elapsed;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        uint64_t matches = take_matches(&hpet->timer[i], from, ticks);
        if (matches != 0)
            fire(hpet, i, matches);
        update_level(hpet, i);
    }
    hpet->seen = now;
    hpet->changed = true;
}

// V of the tick that is so many after `seen`, 0 for never.
static vtime_t v_of_tick(const struct hpet *hpet, uint64_t distance)
{
    uint64_t ticks = time_add(hpet->elapsed, distance);
    if (distance == 0 || ticks == TIME_NEVER)
        return TIME_NEVER;
    return time_add(hpet->origin, ratio_ceil(ratio_inverse(hpet->per_cycle), ticks));
}

// A match that changes no interrupt output needs no alarm: comparators and status are found by arithmetic.
vtime_t hpet_timer_deadline(const struct hpet *hpet, unsigned i)
{
    const struct hpet_timer *timer = &hpet->timer[i];
    if (!interrupts(hpet, timer) || (timer->config & T_LEVEL && timer->irq.level))
        return TIME_NEVER;
    return v_of_tick(hpet, match_distance(timer, hpet->base + hpet->elapsed));
}

vtime_t hpet_timer_fall(const struct hpet *hpet, unsigned i)
{
    const struct hpet_timer *timer = &hpet->timer[i];
    uint64_t distance = match_distance(timer, hpet->base + hpet->elapsed);
    return timer->config & T_LEVEL || !timer->irq.level ? TIME_NEVER : v_of_tick(hpet, distance - 1);
}

static vtime_t hpet_next_deadline(const void *device)
{
    vtime_t next = TIME_NEVER;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        vtime_t deadline = hpet_timer_deadline(device, i);
        next = deadline < next ? deadline : next;
    }
    return next;
}

// --- the registers --------------------------------------------------------------------------------------------------

static uint64_t read_timer(const struct hpet_timer *timer, uint64_t at)
{
    switch (at) {
    case TIMER_CONFIG: return (uint64_t)PINS << 32 | timer->config | T_CAN;
    case TIMER_COMPARE: return timer->comparator;
    default: return 0; // no interrupts as messages on the front side bus
    }
}

static uint64_t read_register(const struct hpet *hpet, uint64_t at, vtime_t now)
{
    switch (at) {
    case CAPABILITIES: return CAPS;
    case CONFIGURATION: return hpet->config;
    case STATUS: return hpet->status;
    case COUNTER: return counter_at(hpet, now);
    default: break;
    }
    uint64_t index = (at - TIMER_0) / TIMER_STRIDE;
    return at >= TIMER_0 && index < HPET_TIMERS ? read_timer(&hpet->timer[index], at % TIMER_STRIDE) : 0;
}

static void restart(struct hpet_timer *timer)
{
    timer->stale = timer->irq.rises;
    timer->restarted = true;
}

// Halted, the counter keeps its value; enabled, this moment is a tick.
static void write_configuration(struct hpet *hpet, uint32_t value, vtime_t now)
{
    if ((value ^ hpet->config) & ENABLE) {
        hpet->base = counter_at(hpet, now);
        hpet->origin = now;
        hpet->elapsed = 0;
    }
    hpet->config = value & (ENABLE | LEGACY);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        restart(&hpet->timer[i]);
}

// A route that the timer does not have reads back as the one it has.
static void write_timer_config(struct hpet_timer *timer, uint32_t value)
{
    uint32_t route = timer->config & T_ROUTE;
    if (PINS >> ((value & T_ROUTE) >> T_ROUTE_SHIFT) & 1)
        route = value & T_ROUTE;
    timer->config = (value & T_WRITABLE) | route;
    timer->comparator &= width_mask(timer);
    timer->period &= width_mask(timer);
    restart(timer);
}

// Of a periodic timer only the period is written, unless the guest said before that it means the comparator, too.
// `bits` are those of the access: half of a register, or all of it.
static void write_comparator(struct hpet_timer *timer, uint64_t value, uint64_t bits)
{
    bits &= width_mask(timer);
    timer->period = (timer->period & ~bits) | (value & bits);
    if (!(timer->config & T_PERIODIC) || timer->config & T_SET_VALUE)
        timer->comparator = (timer->comparator & ~bits) | (value & bits);
    timer->config &= ~T_SET_VALUE;
    restart(timer);
}

static void write_timer(struct hpet *hpet, unsigned i, uint64_t at, uint64_t value, uint64_t bits)
{
    struct hpet_timer *timer = &hpet->timer[i];
    if (at == TIMER_CONFIG && bits & UINT32_MAX)
        write_timer_config(timer, (uint32_t)value);
    else if (at == TIMER_COMPARE)
        write_comparator(timer, value, bits);
    if (!(timer->config & T_LEVEL))
        hpet->status &= ~(1u << i); // an edge-triggered timer has no status
}

static void write_register(struct hpet *hpet, uint64_t at, uint64_t value, uint64_t bits, vtime_t now)
{
    uint64_t index = (at - TIMER_0) / TIMER_STRIDE;
    if (at == CONFIGURATION && bits & UINT32_MAX)
        write_configuration(hpet, (uint32_t)value, now);
    else if (at == STATUS)
        hpet->status &= ~(uint32_t)(value & bits);
    else if (at == COUNTER && !(hpet->config & ENABLE)) // "only while the counter is halted"
        hpet->base = (hpet->base & ~bits) | (value & bits);
    else if (at >= TIMER_0 && index < HPET_TIMERS)
        write_timer(hpet, (unsigned)index, at % TIMER_STRIDE, value, bits);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        update_level(hpet, i);
}

// A clock source's reads of the counter are the hot path, and need nothing brought up to date.
static enum io_result hpet_access(void *device, struct io_access *io, vtime_t now)
{
    struct hpet *hpet = device;
    HOT_INVARIANT(now >= hpet->seen);
    if ((io->size != 4 && io->size != 8) || io->offset % io->size != 0 || io->offset >= HPET_SIZE)
        return IO_UNCLAIMED;
    uint64_t at = io->offset & ~UINT64_C(7), shift = (io->offset & 4) * 8;
    uint64_t bits = (io->size == 8 ? UINT64_MAX : UINT32_MAX) << shift;
    if (at != COUNTER || io->is_write)
        hpet_advance(hpet, now);
    if (io->is_write)
        write_register(hpet, at, io->value << shift, bits, now);
    else
        io->value = (read_register(hpet, at, now) & bits) >> shift;
    return IO_OK;
}

const struct device_ops hpet_ops = {
    .name = "hpet",
    .access = hpet_access,
    .advance = hpet_advance,
    .next_deadline = hpet_next_deadline,
};

// --- for the board --------------------------------------------------------------------------------------------------

void hpet_init(struct hpet *hpet, uint64_t guest_hz)
{
    INVARIANT(guest_hz >= HPET_HZ);
    *hpet = (struct hpet){ .per_cycle = ratio_make(HPET_HZ, guest_hz) };
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        hpet->timer[i].comparator = UINT64_MAX;
}

bool hpet_take_changed(struct hpet *hpet)
{
    bool changed = hpet->changed != 0;
    hpet->changed = false;
    return changed;
}

bool hpet_interrupting(const struct hpet *hpet)
{
    uint32_t config = hpet->timer[0].config | hpet->timer[1].config;
    return hpet->config & ENABLE && config & T_INTERRUPT;
}

bool hpet_legacy(const struct hpet *hpet)
{
    return hpet->config & LEGACY;
}

uint32_t hpet_line(const struct hpet *hpet, unsigned i)
{
    uint32_t route = (hpet->timer[i].config & T_ROUTE) >> T_ROUTE_SHIFT;
    if (hpet_legacy(hpet) && i < 2)
        return i == 0 ? LEGACY_IRQ_0 : LEGACY_IRQ_1;
    return route != 0 ? route : HPET_NO_LINE;
}

bool hpet_level_triggered(const struct hpet *hpet, unsigned i)
{
    return hpet->timer[i].config & T_LEVEL;
}

bool hpet_take_restart(struct hpet *hpet, unsigned i, uint32_t *stale)
{
    struct hpet_timer *timer = &hpet->timer[i];
    bool restarted = timer->restarted != 0;
    *stale = timer->stale < timer->irq.rises ? timer->stale : timer->irq.rises;
    timer->irq.rises -= *stale;
    timer->stale = timer->restarted = 0;
    return restarted;
}

uint64_t hpet_period_cycles(const struct hpet *hpet, unsigned i)
{
    const struct hpet_timer *timer = &hpet->timer[i];
    uint64_t period = timer->config & T_PERIODIC ? timer->period & width_mask(timer) : 0;
    return ratio_floor(ratio_inverse(hpet->per_cycle), period);
}
