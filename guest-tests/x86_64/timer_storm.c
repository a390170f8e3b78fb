// SPDX-License-Identifier: MIT
// A guest asks for absurdly short periods. Does the monitor live, does the guest get on, and does V stay exact?
//
// With interrupts off the storm must not be felt at all: straight-line code counts to the instruction. With interrupts
// on the handler may take all time there is until it masks the timer; then the foreground must finish.
#include "guest-tests/lib/x86_64/devices.h"

#define ENOUGH 2000u // interrupts after which the handler stops the storm

static volatile uint64_t ticks;
static volatile bool stormy;

static void apic_tick(struct trap *trap)
{
    (void)trap;
    if (++ticks == ENOUGH) {
        lapic_timer_stop();
        stormy = false;
    }
    lapic_write(APIC_EOI, 0);
}

static void deadline_tick(struct trap *trap)
{
    (void)trap;
    if (++ticks < ENOUGH)
        wrmsr(MSR_DEADLINE, 1);
    else
        stormy = false;
    lapic_write(APIC_EOI, 0);
}

static void pit_tick(struct trap *trap)
{
    (void)trap;
    if (++ticks == ENOUGH) {
        pit_start(0, 0, 0);
        outb(0x21, 0xff);
        stormy = false;
    }
    pic_eoi(0);
}

// 10,000 instructions with IF=0 while the storm is on; then interrupts on until the handler has had enough.
static void weather(const char *name)
{
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    ticks = 0;
    stormy = true;
    uint64_t target = rdtsc() + 10000;
    uint64_t arrived = wait_until(target);
    ok_counted(arrived == target, "%s: 10,000 instructions with IF=0 are counted exactly", name);
    uint64_t held = ticks, work = 0;
    interrupts_on();
    for (; work < 5000000 && (stormy || work < 1000); work++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    diag("%s: %lu interrupts, %lu rounds of work meanwhile, %lu exits", name, ticks, work, exits);
    // One more may have been pending when the timer was stopped; hardware has no room for a second.
    ok(held == 0 && !stormy && ticks >= ENOUGH && ticks <= ENOUGH + 1, "%s: the handler stopped the storm", name);
    ok(work >= 1000, "%s: the foreground finished its work", name);
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
        for (unsigned i = 0; i < 3; i++)
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

void test_main(void)
{
    plan(10 * 3 + 3 + 2 * 3 + 1);
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
