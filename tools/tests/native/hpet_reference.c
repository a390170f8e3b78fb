// SPDX-License-Identifier: MIT
// See hpet_reference.h. Linked by test_hpet.c only.
#include <string.h>

#include "tools/tests/native/hpet_reference.h"

#define HZ 10000000u

void ref_hpet_init(struct ref_hpet *ref, uint64_t hz)
{
    memset(ref, 0, sizeof(*ref));
    ref->hz = hz;
    for (unsigned i = 0; i < REF_HPET_TIMERS; i++)
        ref->timer[i].comparator = UINT64_MAX;
}

static bool asserts_level(const struct ref_hpet *ref, unsigned i)
{
    return ref->enabled && ref->timer[i].interrupt && ref->timer[i].level && ref->status[i];
}

bool ref_hpet_level(const struct ref_hpet *ref, unsigned i)
{
    return ref->timer[i].level ? asserts_level(ref, i) : ref->timer[i].up;
}

static bool matches(const struct ref_hpet_timer *timer, uint64_t counter)
{
    return timer->narrow ? (uint32_t)counter == (uint32_t)timer->comparator : counter == timer->comparator;
}

// The output of an edge-triggered timer makes room for the next edge one tick before it.
static void lower(struct ref_hpet *ref)
{
    for (unsigned i = 0; i < REF_HPET_TIMERS; i++) {
        struct ref_hpet_timer *timer = &ref->timer[i];
        if (!ref->enabled || !timer->interrupt || timer->level || matches(timer, ref->counter + 1))
            timer->up = false;
    }
}

static void tick(struct ref_hpet *ref, vtime_t now)
{
    ref->counter++;
    for (unsigned i = 0; i < REF_HPET_TIMERS; i++) {
        struct ref_hpet_timer *timer = &ref->timer[i];
        if (!matches(timer, ref->counter))
            continue;
        bool before = asserts_level(ref, i);
        if (timer->level)
            ref->status[i] = true;
        else if (timer->interrupt)
            timer->pulses++;
        timer->up = timer->up || (!timer->level && timer->interrupt);
        timer->pulses += asserts_level(ref, i) && !before;
        if (timer->interrupt && !before)
            ref->last_event = now;
        if (timer->periodic)
            timer->comparator += timer->last_written;
        if (timer->narrow)
            timer->comparator = (uint32_t)timer->comparator;
    }
    lower(ref);
}

void ref_hpet_run(struct ref_hpet *ref, vtime_t from, vtime_t to)
{
    while (ref->enabled) {
        uint64_t cycles = (ref->hz - ref->clock + HZ - 1) / HZ;
        if (cycles > to - from) {
            ref->clock += HZ * (to - from);
            return;
        }
        from += cycles;
        ref->clock += HZ * cycles - ref->hz;
        tick(ref, from);
    }
}

static uint64_t whole(const struct ref_hpet *ref, unsigned offset)
{
    const struct ref_hpet_timer *timer = &ref->timer[offset >= 0x100 ? (offset - 0x100) / 0x20 % REF_HPET_TIMERS : 0];
    if (offset == 0)
        return UINT64_C(0x05f5e1008086a101);
    if (offset == 0x10)
        return (ref->legacy ? 2u : 0) + (ref->enabled ? 1u : 0);
    if (offset == 0x20)
        return (ref->status[0] ? 1u : 0) + (ref->status[1] ? 2u : 0);
    if (offset == 0xf0)
        return ref->counter;
    if (offset == 0x100 || offset == 0x120)
        return UINT64_C(0x00f0000000000030) + (timer->level ? 2 : 0) + (timer->interrupt ? 4 : 0) +
               (timer->periodic ? 8 : 0) + (timer->set_value ? 64 : 0) + (timer->narrow ? 256 : 0) + timer->route * 512;
    if (offset == 0x108 || offset == 0x128)
        return timer->comparator;
    return 0;
}

uint64_t ref_hpet_read(const struct ref_hpet *ref, unsigned offset, unsigned size)
{
    uint64_t value = whole(ref, offset & ~7u);
    return size == 8 ? value : (uint32_t)(offset & 4 ? value >> 32 : value);
}

static void write_config(struct ref_hpet *ref, unsigned i, uint64_t value)
{
    struct ref_hpet_timer *timer = &ref->timer[i];
    timer->level = value & 2;
    timer->interrupt = value & 4;
    timer->periodic = value & 8;
    timer->set_value = value & 64;
    timer->narrow = value & 256;
    unsigned route = value / 512 % 32;
    if (route >= 20 && route <= 23)
        timer->route = route;
    if (timer->narrow) {
        timer->comparator = (uint32_t)timer->comparator;
        timer->last_written = (uint32_t)timer->last_written;
    }
    if (!timer->level)
        ref->status[i] = false;
}

// The new value of a register of which a half, or all, is written.
static uint64_t part(uint64_t old, unsigned offset, unsigned size, uint64_t value)
{
    if (size == 8)
        return value;
    return offset & 4 ? (uint32_t)old | value << 32 : (old >> 32 << 32) | (uint32_t)value;
}

static void write_comparator(struct ref_hpet_timer *timer, unsigned offset, unsigned size, uint64_t value)
{
    timer->last_written = part(timer->last_written, offset, size, value);
    if (!timer->periodic || timer->set_value)
        timer->comparator = part(timer->comparator, offset, size, value);
    if (timer->narrow) {
        timer->comparator = (uint32_t)timer->comparator;
        timer->last_written = (uint32_t)timer->last_written;
    }
    timer->set_value = false;
}

static void write_global(struct ref_hpet *ref, unsigned offset, unsigned size, uint64_t value)
{
    if (offset == 0x10) {
        if (ref->enabled != (value & 1))
            ref->clock = 0;
        ref->enabled = value & 1;
        ref->legacy = value & 2;
    } else if (offset == 0x20) {
        for (unsigned i = 0; i < REF_HPET_TIMERS; i++)
            ref->status[i] = ref->status[i] && !(value >> i & 1);
    } else if ((offset & ~7u) == 0xf0 && !ref->enabled) {
        ref->counter = part(ref->counter, offset, size, value);
    }
}

void ref_hpet_write(struct ref_hpet *ref, unsigned offset, unsigned size, uint64_t value)
{
    bool before[REF_HPET_TIMERS];
    for (unsigned i = 0; i < REF_HPET_TIMERS; i++)
        before[i] = asserts_level(ref, i);
    unsigned i = (offset - 0x100) / 0x20;
    if (offset < 0x100)
        write_global(ref, offset, size, value);
    else if (i < REF_HPET_TIMERS && offset % 0x20 == 0)
        write_config(ref, i, value);
    else if (i < REF_HPET_TIMERS && (offset & 0x18) == 8)
        write_comparator(&ref->timer[i], offset, size, value);
    for (i = 0; i < REF_HPET_TIMERS; i++)
        ref->timer[i].pulses += asserts_level(ref, i) && !before[i];
    lower(ref);
}
