// SPDX-License-Identifier: MIT
// HPET (IA-PC HPET specification 1.0a, 2.3), ACPI PM timer (ACPI 4.8.3.3), 8254 channel 2 (8254 data sheet) and the
// LAPIC timer's current count, behind one interface. Called by tsc.c at boot only. Every wait is bounded by a number of
// reads.
#include "arch/x86_64/host/refclock.h"

#include "arch/x86_64/host/acpi_host.h"
#include "arch/x86_64/host/timer.h"
#include "arch/x86_64/host/x86.h"

#define HPET_PERIOD     1 // 32-bit word indices: capabilities, high half: femtoseconds a tick
#define HPET_CONFIG     4
#define HPET_COUNTER    60
#define HPET_ENABLE     1u
#define HPET_LEGACY     2u
#define HPET_PERIOD_MAX 100000000u // 2.3.4
#define FS_PER_S        UINT64_C(1000000000000000)
#define PM_TIMER_HZ     3579545u
#define PIT_HZ          1193182u
#define PIT_CHANNEL_2   0x42
#define PIT_COMMAND     0x43
#define PIT_CH2_MODE_2  0xb4 // low byte, then high byte; rate generator
#define PIT_CH2_LATCH   0x80
#define PIT_GATE        0x61 // bit 0: gate of channel 2, bit 1: speaker
#define EDGES           4
#define READS_PER_EDGE  4000u // under an emulator that counts instructions a PIT tick is about 60 reads

static uint8_t gate_before;

static volatile uint32_t *hpet(void)
{
    return (volatile uint32_t *)(uintptr_t)acpi_host()->hpet_address;
}

const char *refclock_name(enum refclock clock)
{
    static const char *const names[] = { "HPET", "PM timer", "PIT", "LAPIC timer" };
    return names[clock];
}

static bool hpet_start(void)
{
    if (acpi_host()->hpet_address == 0 || acpi_host()->hpet_address >= 4 * GIB)
        return false;
    uint32_t period = hpet()[HPET_PERIOD];
    if (period == 0 || period > HPET_PERIOD_MAX)
        return false;
    hpet()[HPET_CONFIG] = (hpet()[HPET_CONFIG] & ~HPET_LEGACY) | HPET_ENABLE; // firmware may leave it stopped
    return true;
}

static void pit_start(void)
{
    gate_before = x86_in8(PIT_GATE);
    x86_out8(PIT_GATE, (uint8_t)((gate_before & ~2u) | 1u));
    x86_out8(PIT_COMMAND, PIT_CH2_MODE_2);
    x86_out8(PIT_CHANNEL_2, 0); // 0 is 65536
    x86_out8(PIT_CHANNEL_2, 0);
}

bool refclock_start(enum refclock clock)
{
    switch (clock) {
    case REFCLOCK_HPET: return hpet_start();
    case REFCLOCK_PM_TIMER: return acpi_host()->pm_timer_port != 0;
    case REFCLOCK_PIT: pit_start(); return true;
    case REFCLOCK_LAPIC: hosttimer_arm(UINT32_MAX); return true;
    }
    return false;
}

void refclock_stop(enum refclock clock)
{
    if (clock == REFCLOCK_PIT)
        x86_out8(PIT_GATE, gate_before);
    if (clock == REFCLOCK_LAPIC)
        hosttimer_stop();
}

struct refclock_rate refclock_rate(enum refclock clock)
{
    switch (clock) {
    case REFCLOCK_HPET: return (struct refclock_rate){ FS_PER_S, hpet()[HPET_PERIOD] };
    case REFCLOCK_PM_TIMER: return (struct refclock_rate){ PM_TIMER_HZ, 1 };
    case REFCLOCK_PIT: return (struct refclock_rate){ PIT_HZ, 1 };
    case REFCLOCK_LAPIC: break; // what we want to know
    }
    return (struct refclock_rate){ 1, 1 };
}

static uint64_t pit_read(void)
{
    x86_out8(PIT_COMMAND, PIT_CH2_LATCH);
    uint8_t low = x86_in8(PIT_CHANNEL_2);
    return low | (uint64_t)x86_in8(PIT_CHANNEL_2) << 8;
}

// The bits of a count; PIT and LAPIC count down.
static uint64_t mask_of(enum refclock clock)
{
    switch (clock) {
    case REFCLOCK_HPET:
    case REFCLOCK_LAPIC: return UINT32_MAX;
    case REFCLOCK_PM_TIMER: return acpi_host()->pm_timer_32bit ? UINT32_MAX : 0xffffff;
    case REFCLOCK_PIT: return 0xffff;
    }
    return 0;
}

uint64_t refclock_read(enum refclock clock)
{
    switch (clock) {
    case REFCLOCK_HPET: return hpet()[HPET_COUNTER];
    case REFCLOCK_PM_TIMER: return x86_in32(acpi_host()->pm_timer_port) & mask_of(clock);
    case REFCLOCK_PIT: return (0 - pit_read()) & mask_of(clock);
    case REFCLOCK_LAPIC: return UINT32_MAX - hosttimer_current();
    }
    return 0;
}

uint64_t refclock_elapsed(enum refclock clock, uint64_t from, uint64_t to)
{
    return (to - from) & mask_of(clock);
}

// Before a read the counter was `before`; if the read shows another count than the one before it, the change came after
// that earlier read began and before this one ended.
static bool next_edge(enum refclock clock, struct refclock_edge *out)
{
    htime_t before = x86_rdtsc_ordered();
    uint64_t count = refclock_read(clock);
    for (unsigned reads = 0; reads < READS_PER_EDGE; reads++) {
        htime_t between = x86_rdtsc_ordered();
        uint64_t next = refclock_read(clock);
        if (next != count) {
            *out = (struct refclock_edge){ before, x86_rdtsc_ordered(), next };
            return true;
        }
        before = between;
    }
    return false;
}

bool refclock_edge(enum refclock clock, struct refclock_edge *out)
{
    for (unsigned i = 0; i < EDGES; i++) {
        struct refclock_edge edge;
        if (!next_edge(clock, &edge))
            return false;
        if (i == 0 || edge.high - edge.low < out->high - out->low)
            *out = edge;
    }
    return true;
}
