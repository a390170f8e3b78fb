// SPDX-License-Identifier: MIT
// demo on x86-64: the PIT ticks slowly, the APIC timer fast; a port that nobody has is written.
#include "guest-tests/demo.h"
#include "guest-tests/lib/x86_64/devices.h"

#define TICK_COUNT 11932u // PIT clocks: about 10 ms

static struct pvclock page __attribute__((aligned(64)));

static void pit_tick(struct trap *trap)
{
    (void)trap;
    demo_slow_tick();
    pic_eoi(0);
}

static void apic_tick(struct trap *trap)
{
    (void)trap;
    demo_fast_tick();
    lapic_write(APIC_EOI, 0);
}

struct demo demo_describe(void)
{
    return (struct demo){ "TSC", "PIT", "APIC", "APIC timer", "port writes", PIT_HZ, TICK_COUNT, board.apic_hz };
}

uint64_t demo_start(void)
{
    lapic_init(false);
    pic_init(1);
    trap_set(VECTOR_PIC, pit_tick);
    trap_set(VECTOR_TIMER, apic_tick);
    if (pvclock_present())
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(APIC_TMICT, (uint32_t)(board.apic_hz / 1000));
    return pit_start(0, 2, TICK_COUNT);
}

void demo_halt(void)
{
    __asm__ volatile("sti\n\thlt\n\tcli\n\tsti\n\tnop" : : : "memory");
}

void demo_device_write(unsigned value)
{
    outb(0x80, (uint8_t)value);
}

void demo_other_clocks(void)
{
    if (pvclock_present())
        print("  clock page %12lu ns\n", pvclock_read(&page));
}

uint32_t demo_fast_count(void)
{
    return lapic_read(APIC_TMCCT);
}
