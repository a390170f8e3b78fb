// SPDX-License-Identifier: MIT
// The timer of lib/timer.h: the local APIC's one-shot, in xAPIC mode.
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/x86_64/devices.h"

static void acknowledge(void)
{
    lapic_write(APIC_EOI, 0);
}

void timer_init(void)
{
    lapic_init(false);
    trap_record(VECTOR_TIMER, acknowledge);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
}

uint64_t timer_start(uint64_t count)
{
    return lapic_write_stamp(APIC_TMICT, (uint32_t)count);
}

uint64_t timer_stamp(uint64_t origin, uint64_t count)
{
    return lapic_stamp(origin, count, 1);
}

uint64_t timer_hz(void)
{
    return board.apic_hz;
}

void timer_stop(void)
{
    lapic_write(APIC_TMICT, 0);
}
