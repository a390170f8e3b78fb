// SPDX-License-Identifier: MIT
// Ticks that the host makes late, and ticks that the guest keeps out, by a period and more: every alarm of the run
// comes a period late (alarm_error=). What the host has made late is the policy's: of 100 periods the guest gets as
// many as the command line says, of the APIC and of the PIT. What the guest keeps out itself, by its flag or its
// priority, is the chip's: one comes, whatever tick= says.
#include "guest-tests/lib/x86_64/devices.h"

#define PERIODS    100u
#define PIT_PERIOD 1193u // of its clocks: 999.85 us
#define KEPT_OUT   20u

static volatile uint64_t taken;

static void on_apic(struct trap *trap)
{
    (void)trap;
    taken++;
    lapic_write(APIC_EOI, 0);
}

static void on_pic(struct trap *trap)
{
    (void)trap;
    taken++;
    outb(0x20, 0x20);
}

static uint64_t us(uint64_t count)
{
    return count * (platform.counter_hz / 1000000);
}

static void spin_us(uint64_t count)
{
    uint64_t end = rdtsc() + us(count);
    while (rdtsc() < end)
        ;
}

static void start_apic(void)
{
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(APIC_TMICT, (uint32_t)mul_div_floor(us(1000), board.apic_hz, platform.counter_hz));
}

static void start_pit(void)
{
    pit_start(0, 2, PIT_PERIOD);
}

static void test_late(void)
{
    start_apic();
    spin_us(PERIODS * 1000 + 500);
    interrupts_off();
    uint64_t apic = taken;
    lapic_timer_stop();
    pic_init(1); // line 0 alone
    interrupts_on();
    spin_us(20);
    taken = 0;
    start_pit();
    spin_us(PERIODS * 1000 + 500);
    interrupts_off();
    uint64_t pit = taken;
    ok(apic == cmdline_number("apic", PERIODS), "the APIC's ticks, interrupts on all the time: %lu", apic);
    ok(pit == cmdline_number("pit", PERIODS), "the PIT's: %lu", pit);
}

// In the middle of a period the way is free again.
static uint64_t kept_out(void (*start)(void), void (*shut)(void), void (*open)(void))
{
    interrupts_on();
    spin_us(20);
    shut();
    taken = 0;
    start();
    spin_us(KEPT_OUT * 1000 + 500);
    open();
    spin_us(20);
    interrupts_off();
    return taken;
}

static void raise_priority(void)
{
    lapic_write(APIC_TPR, 0xff);
}

static void lower_priority(void)
{
    lapic_write(APIC_TPR, 0);
}

static void test_kept_out(void)
{
    uint64_t pit = kept_out(start_pit, interrupts_off, interrupts_on);
    outb(0x21, 0xff);
    uint64_t by_flag = kept_out(start_apic, interrupts_off, interrupts_on);
    lapic_timer_stop();
    uint64_t by_priority = kept_out(start_apic, raise_priority, lower_priority);
    lapic_timer_stop();
    ok(pit == 1, "of 20 of the PIT that IF kept out one comes: %lu", pit);
    ok(by_flag == 1, "of 20 of the APIC that IF kept out one comes: %lu", by_flag);
    ok(by_priority == 1, "of 20 of the APIC that TPR kept out one comes: %lu", by_priority);
}

void test_main(void)
{
    plan(5);
    lapic_init(false);
    trap_set(VECTOR_TIMER, on_apic);
    trap_set(VECTOR_PIC, on_pic);
    interrupts_on();
    test_late();
    test_kept_out();
    finish();
}
