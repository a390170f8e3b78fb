// SPDX-License-Identifier: MIT
// The oldest calibration there is: a guest polls a clock behind a port until it has moved on, and takes the TSC between
// two changes. Each access takes its time under clock=guest+emu, so this ends after as many polls as on a PC, and what
// it finds is the rate of the TSC.
#include "guest-tests/lib/x86_64/devices.h"

#define PORT_NS    1000u
#define MEMORY_NS  100u
#define DELAY_PORT 0x80u

static uint64_t cycles_of(uint64_t ns)
{
    return mul_div_ceil(ns, platform.counter_hz, 1000000000);
}

// Reading register C clears the periodic flag, which comes 1024 times a second (MC146818A data sheet).
static uint64_t next_period(uint64_t *polls)
{
    outb(0x70, 0x0c);
    while ((inb(0x71) & 0x40) == 0)
        (*polls)++;
    return rdtsc();
}

static void poll_rtc(void)
{
    uint64_t polls = 0, start = next_period(&polls), period = mul_div_ceil(1, platform.counter_hz, 1024);
    polls = 0;
    uint64_t took = next_period(&polls) - start;
    ok(took + cycles_of(2 * PORT_NS) > period && took < period + cycles_of(2 * PORT_NS),
       "a period of the RTC: %lu cycles, %lu by its rate", took, period);
    ok(polls > 900 && polls <= 977, "%lu polls in it", polls);
}

static void poll_pm(void)
{
    const uint32_t ticks = PM_TIMER_HZ / 100;
    uint64_t polls = 0, start = rdtsc();
    uint32_t first = inl(board.pm_timer_port);
    while (((inl(board.pm_timer_port) - first) & 0xffffff) < ticks)
        polls++;
    uint64_t took = rdtsc() - start, wanted = mul_div_ceil(ticks, platform.counter_hz, PM_TIMER_HZ);
    ok(took > wanted - cycles_of(2 * PORT_NS) && took < wanted + cycles_of(4 * PORT_NS),
       "a hundredth of a second of the PM timer: %lu cycles, %lu by its rate", took, wanted);
    ok(polls > 9000 && polls <= 10000, "%lu polls in it", polls);
}

// The writes cost what they should to the cycle: 9900 more take 9900 times the cost and the loop's own instructions,
// which are no compiler's: it may put two writes into one round.
static uint64_t delay(unsigned writes)
{
    uint64_t start = rdtsc();
    __asm__ volatile("1: outb %%al, %1; decl %0; jnz 1b" : "+r"(writes) : "i"(DELAY_PORT), "a"(0) : "memory", "cc");
    return rdtsc() - start;
}

static void poll_port80(void)
{
    delay(1);
    uint64_t hundred = delay(100), thousand = delay(1000), all = delay(10000);
    uint64_t each = (thousand - hundred) / 900, loop = each - cycles_of(PORT_NS);
    ok(each >= cycles_of(PORT_NS) && loop < 16, "a write of port 80h takes %lu cycles, the loop %lu of them", each,
       loop);
    ok(all - hundred == 9900 * each, "10000 of them take %lu cycles, each the same", all);
}

static void poll_apic(void)
{
    lapic_write(APIC_TDCR, 0xb); // by 1
    lapic_write(APIC_LVTT, 0x10000);
    lapic_write(APIC_TMICT, 0xffffffff);
    uint64_t polls = 0, start = rdtsc();
    uint32_t from = lapic_read(APIC_TMCCT);
    while (from - lapic_read(APIC_TMCCT) < 100000)
        polls++;
    uint64_t took = rdtsc() - start;
    ok(polls >= 1 && took / (polls + 2) >= cycles_of(MEMORY_NS) && took / (polls + 2) < cycles_of(MEMORY_NS) + 20,
       "%lu polls of TMCCT in %lu cycles", polls, took);
}

static void poll_strings(void)
{
    static uint8_t bytes[1000];
    void *to = bytes;
    uint64_t count = sizeof(bytes), start = rdtsc();
    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"((uint16_t)DELAY_PORT) : "memory");
    uint64_t took = rdtsc() - start, each = cycles_of(PORT_NS);
    ok(count == 0 && took >= 1000 * each && took < 1000 * each + 100, "REP INS of 1000 bytes takes %lu cycles", took);
}

void test_main(void)
{
    plan_exact(8);
    poll_rtc();
    poll_pm();
    poll_port80();
    poll_apic();
    poll_strings();
    finish();
}
