// SPDX-License-Identifier: MIT
// demo on arm64: the physical timer ticks slowly, the virtual one fast; the PL011's interrupt clear register is
// written.
#include "guest-tests/demo.h"
#include "guest-tests/lib/arm64/gic.h"

#define UARTICR 0x044u
#define RTCDR   0x000u

static uint64_t slow_due, fast_due; // the next tick's compare value: no period is ever rounded into the one after it

static void physical_tick(struct trap *trap)
{
    (void)trap;
    demo_slow_tick();
    write_sysreg(cntp_cval_el0, slow_due += platform.counter_hz / 100);
}

static void virtual_tick(struct trap *trap)
{
    (void)trap;
    demo_fast_tick();
    write_sysreg(cntv_cval_el0, fast_due += platform.counter_hz / 1000);
}

struct demo demo_describe(void)
{
    return (struct demo){
        "CNTVCT",           "CNTP", "CNTV", "CNTV", "PL011 writes", platform.counter_hz, platform.counter_hz / 100,
        platform.counter_hz
    };
}

uint64_t demo_start(void)
{
    uint64_t origin = counter_read();
    trap_set(INTID_CNTP, physical_tick);
    trap_set(INTID_CNTV, virtual_tick);
    gic_enable(INTID_CNTP, true);
    gic_enable(INTID_CNTV, true);
    write_sysreg(cntv_cval_el0, fast_due = origin + platform.counter_hz / 1000);
    write_sysreg(cntp_cval_el0, slow_due = origin + platform.counter_hz / 100);
    write_sysreg(cntv_ctl_el0, 1);
    write_sysreg(cntp_ctl_el0, 1);
    return origin;
}

void demo_halt(void)
{
    wait_for_interrupt();
}

void demo_device_write(unsigned value)
{
    write32(board.uart + UARTICR, value & 0x7ff);
}

void demo_other_clocks(void)
{
    if (board.rtc != 0)
        print("  PL031      %12u s since 1970\n", read32(board.rtc + RTCDR));
}

uint32_t demo_fast_count(void)
{
    return (uint32_t)(fast_due - counter_read());
}
