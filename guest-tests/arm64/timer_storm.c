// SPDX-License-Identifier: MIT
// timer_storm on arm64: periods of 1 to 10 ticks, a line that nobody lowers, and interrupts that ask for the next one.
#include "guest-tests/timer_storm.h"
#include "guest-tests/lib/exact.h"
#include "guest-tests/lib/arm64/gic.h"

#define SGI 2u
#define SPI 45u // of nobody

static uint64_t period, due_virtual, due_physical;

static void virtual_tick(struct trap *trap)
{
    (void)trap;
    write_sysreg(cntv_cval_el0, storm_enough() ? CNTV_NEVER : (due_virtual += period));
}

static void physical_tick(struct trap *trap)
{
    (void)trap;
    write_sysreg(cntp_cval_el0, storm_enough() ? UINT64_MAX : (due_physical += period));
}

static void tick_left_high(struct trap *trap)
{
    (void)trap;
    if (storm_enough()) {
        write_sysreg(cntv_ctl_el0, 0);
        write_sysreg(cntp_ctl_el0, 0);
    }
}

static void sgi_tick(struct trap *trap)
{
    (void)trap;
    if (!storm_enough())
        gic_sgi_self(SGI);
}

static void spi_tick(struct trap *trap)
{
    (void)trap;
    if (!storm_enough())
        gic_set_pending(SPI, true);
}

static void start_virtual(uint64_t due)
{
    due_virtual = due;
    gic_enable(INTID_CNTV, true);
    write_sysreg(cntv_cval_el0, due);
    write_sysreg(cntv_ctl_el0, 1);
}

static void start_physical(uint64_t due)
{
    due_physical = due;
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntp_cval_el0, due);
    write_sysreg(cntp_ctl_el0, 1);
}

static void stop(void)
{
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
    gic_enable(INTID_CNTV, false);
    gic_enable(INTID_CNTP, false);
}

static void test_periods(void)
{
    trap_set(INTID_CNTV, virtual_tick);
    trap_set(INTID_CNTP, physical_tick);
    for (period = 1; period <= 10; period++) {
        char name[] = "CNTV, period 00";
        name[13] = (char)('0' + period / 10);
        name[14] = (char)('0' + period % 10);
        start_virtual(counter_read());
        weather(name);
        stop();
        name[3] = 'P';
        start_physical(counter_read());
        weather(name);
        stop();
    }
}

static void test_high(void)
{
    trap_set(INTID_CNTV, tick_left_high);
    trap_set(INTID_CNTP, tick_left_high);
    start_virtual(0);
    weather("CNTV, never acknowledged");
    stop();
    start_physical(0);
    weather("CNTP, never acknowledged");
    stop();
    start_virtual(0);
    start_physical(0);
    weather("both, never acknowledged");
    stop();
}

static void test_asked_for(void)
{
    trap_set(SGI, sgi_tick);
    gic_enable(SGI, true);
    gic_sgi_self(SGI);
    weather("an SGI that sends the next one");
    trap_set(SPI, spi_tick);
    gic_enable(SPI, true);
    gic_set_pending(SPI, true);
    weather("an SPI that makes itself pending");
    gic_enable(SPI, false);
}

// The compare value is moved over now and back, thousands of times: no hang, and no interrupt is left behind.
static void test_flutter(void)
{
    uint64_t before = record.count;
    trap_record(INTID_CNTV, NULL);
    start_virtual(CNTV_NEVER);
    for (unsigned i = 0; i < 5000; i++) {
        write_sysreg(cntv_cval_el0, 0);
        write_sysreg(cntv_cval_el0, CNTV_NEVER);
        write_sysreg(cntp_cval_el0, i);
        write_sysreg(cntp_ctl_el0, i & 3);
    }
    stop();
    interrupts_on();
    interrupts_off();
    ok(record.count == before, "5000 interrupts asked for and taken back are survived, none is left");
}

const unsigned storm_claims = (20 + 3 + 2) * WEATHER_CLAIMS + 1;

void storms(void)
{
    test_periods();
    test_high();
    test_asked_for();
    test_flutter();
}
