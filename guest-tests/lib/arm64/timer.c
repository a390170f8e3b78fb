// SPDX-License-Identifier: MIT
// The timer of lib/timer.h: CNTV, always enabled, its compare value at the end of time while it is not running.
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

void timer_init(void)
{
    timer_stop();
    write_sysreg(cntv_ctl_el0, 1);
    trap_record(INTID_CNTV, timer_stop);
    gic_enable(INTID_CNTV, true);
}

uint64_t timer_start(uint64_t count)
{
    return cntv_start(count);
}

uint64_t timer_stamp(uint64_t origin, uint64_t count)
{
    return origin + count;
}

uint64_t timer_hz(void)
{
    return platform.counter_hz;
}

// The interrupt's line is low again when this returns: the ISB is in write_sysreg().
void timer_stop(void)
{
    write_sysreg(cntv_cval_el0, CNTV_NEVER);
}
