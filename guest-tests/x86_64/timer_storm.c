// SPDX-License-Identifier: MIT
// timer_storm on x86-64: the APIC timer, periodic and by deadline, and the PIT.
#include "guest-tests/timer_storm.h"
#include "guest-tests/lib/x86_64/devices.h"

static void apic_tick(struct trap *trap)
{
    (void)trap;
    if (storm_enough())
        lapic_timer_stop();
    lapic_write(APIC_EOI, 0);
}

static void deadline_tick(struct trap *trap)
{
    (void)trap;
    if (!storm_enough())
        wrmsr(MSR_DEADLINE, 1);
    lapic_write(APIC_EOI, 0);
}

static void pit_tick(struct trap *trap)
{
    (void)trap;
    if (storm_enough()) {
        pit_start(0, 0, 0);
        outb(0x21, 0xff);
    }
    pic_eoi(0);
}

static void test_apic(uint32_t count)
{
    char name[] = "APIC periodic, count 00";
    name[21] = (char)('0' + count / 10);
    name[22] = (char)('0' + count % 10);
    trap_set(VECTOR_TIMER, apic_tick);
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(APIC_TMICT, count);
    weather(name);
    lapic_timer_stop();
}

static void test_deadline(void)
{
    if (!lapic_has_deadline()) {
        for (unsigned i = 0; i < WEATHER_CLAIMS; i++)
            skip("no TSC deadline here", "deadlines in the past");
        return;
    }
    trap_set(VECTOR_TIMER, deadline_tick);
    lapic_write(APIC_LVTT, LVT_DEADLINE | VECTOR_TIMER);
    wrmsr(MSR_DEADLINE, 1);
    weather("deadlines in the past");
    lapic_timer_stop();
}

static void test_pit(unsigned mode, uint32_t count, const char *name)
{
    trap_set(VECTOR_PIC, pit_tick);
    pic_init(1);
    pit_start(0, mode, count);
    weather(name);
    pit_start(0, 0, 0);
    pic_init(0);
}

// Counts that are not allowed (data sheet: the least count of modes 2 and 3 is 2): no hang, whatever they do.
static void test_forbidden(void)
{
    pic_init(0);
    pit_start(0, 2, 1);
    pit_start(2, 3, 1);
    wait_until(rdtsc() + 100000);
    pit_start(0, 0, 0);
    ok(true, "a count of 1 in modes 2 and 3 is survived");
}

static void ignore(struct trap *trap)
{
    (void)trap;
}

const unsigned storm_claims = (10 + 1 + 2) * WEATHER_CLAIMS + 1;

void storms(void)
{
    lapic_init(false);
    trap_set(VECTOR_SPURIOUS, ignore);
    trap_set(VECTOR_PIC + 7, ignore);
    for (uint32_t count = 1; count <= 10; count++)
        test_apic(count);
    test_deadline();
    test_pit(2, 2, "PIT mode 2, count 2");
    test_pit(3, 2, "PIT mode 3, count 2");
    test_forbidden();
}
