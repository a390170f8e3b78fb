// SPDX-License-Identifier: MIT
// The host's alarm: the EL2 physical timer, CNTHP (Arm ARM D11.2), a comparator on the counter itself. The world switch
// writes the registers itself; everybody else uses these.
#ifndef ARCH_ARM64_HOST_TIMER_H
#define ARCH_ARM64_HOST_TIMER_H

#include "arch/arm64/host/arm64.h"
#include "time/units.h"

// Once, on each CPU. From then on the timer is enabled for ever, and its compare value says everything.
static inline void hosttimer_init(void)
{
    sysreg_write(cnthp_cval_el2, UINT64_MAX);
    sysreg_write(cnthp_ctl_el2, CNT_ENABLE);
    arm64_isb();
}

// The interrupt comes when the counter is at `deadline` or past it.
static inline void hosttimer_arm(htime_t deadline)
{
    sysreg_write(cnthp_cval_el2, deadline);
    arm64_isb();
}

static inline void hosttimer_stop(void)
{
    hosttimer_arm(UINT64_MAX);
}

#endif
