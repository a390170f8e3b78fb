// SPDX-License-Identifier: MIT
// clocks_agree on x86-64: PIT, APIC timer, PM timer and clock page, all against the TSC.
#include "guest-tests/clocks_agree.h"
#include "guest-tests/lib/x86_64/devices.h"

#define APIC_START 0xffffffffu
#define PIT_PERIOD 65536u

static struct pvclock page __attribute__((aligned(64)));
static uint64_t pit_origin, apic_origin, pm_first, pm_origin;
static uint64_t pit_clocks, pm_ticks; // unwrapped
static uint16_t pit_last;
static uint32_t pm_last;

static void acknowledge(void)
{
    pic_eoi(0);
}

static uint64_t read_pit(uint64_t *stamp)
{
    uint16_t count;
    *stamp = pit_latch(2, &count);
    pit_clocks += (uint16_t)(pit_last - count);
    pit_last = count;
    return pit_clocks;
}

static uint64_t pit_expected(uint64_t stamp)
{
    return mul_div_floor(stamp - pit_origin, PIT_HZ, platform.counter_hz);
}

static uint64_t origin_of_pit(void)
{
    return pit_origin;
}

static uint64_t read_apic(uint64_t *stamp)
{
    uint32_t count;
    *stamp = lapic_read_stamp(APIC_TMCCT, &count);
    return APIC_START - count;
}

static uint64_t apic_expected(uint64_t stamp)
{
    return mul_div_floor(stamp - apic_origin, board.apic_hz, platform.counter_hz);
}

static uint64_t origin_of_apic(void)
{
    return apic_origin;
}

static uint64_t read_pm(uint64_t *stamp)
{
    uint64_t value;
    *stamp = inl_stamp(board.pm_timer_port, &value);
    pm_ticks += ((uint32_t)value - pm_last) & 0xffffff;
    pm_last = (uint32_t)value;
    return pm_ticks;
}

static uint64_t pm_expected(uint64_t stamp)
{
    return mul_div_floor(stamp - (uint64_t)platform.read_bias, PM_TIMER_HZ, platform.counter_hz) - pm_first;
}

static uint64_t origin_of_pm(void)
{
    return pm_origin;
}

static uint64_t read_page(uint64_t *stamp)
{
    *stamp = rdtsc();
    return pvclock_at(&page, *stamp) - page.system_time;
}

static uint64_t page_expected(uint64_t stamp)
{
    return mul_div_floor(stamp - page.tsc_timestamp, 1000000000, platform.counter_hz);
}

static uint64_t origin_of_page(void)
{
    return page.tsc_timestamp;
}

struct clock clocks[] = {
    { "PIT", PIT_HZ, read_pit, pit_expected, origin_of_pit, 0, false, false },
    { "APIC timer", 0, read_apic, apic_expected, origin_of_apic, 0, false, false },
    { "PM timer", PM_TIMER_HZ, read_pm, pm_expected, origin_of_pm, 0, false, false },
    { "clock page", 1000000000, read_page, page_expected, origin_of_page, 10, false, false },
};
const unsigned clock_count = ARRAY_LENGTH(clocks);
const int64_t coarsest_ns = 839, worst_ns = 839 + 280; // of the PIT, of the PM timer

void clocks_start(void)
{
    uint64_t value;
    lapic_init(false);
    pit_gate2(true);
    pit_origin = pit_start(2, 2, PIT_PERIOD);
    lapic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
    apic_origin = lapic_write_stamp(APIC_TMICT, APIC_START);
    clocks[1].hz = board.apic_hz;
    uint64_t pm_first_stamp = inl_stamp(board.pm_timer_port, &value);
    pm_last = (uint32_t)value;
    pm_first = mul_div_floor(pm_first_stamp - (uint64_t)platform.read_bias, PM_TIMER_HZ, platform.counter_hz);
    pm_origin = mul_div_ceil(pm_first, platform.counter_hz, PM_TIMER_HZ) + (uint64_t)platform.read_bias;
    clocks[3].absent = !pvclock_present();
    if (!clocks[3].absent)
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
}

void milliseconds_start(void)
{
    pic_init(1);
    trap_record(VECTOR_PIC, acknowledge);
    pit_start(0, 2, 1193);
}

void milliseconds_stop(void)
{
    pit_start(0, 0, 0);
}
