// SPDX-License-Identifier: MIT
// The virtual timer compares CNTPCT - CNTVOFF with CVAL, modulo 2^64 (Arm ARM D11.2.4), and hardware does so whatever
// the offset is. QEMU's TCG computes CVAL + CNTVOFF instead, the moment of the host's counter. Version 7.2 does not
// see that sum exceed 64 bits, and stops for ever when a guest asks for the end of time while the offset is positive.
// Version 10.0.2 takes a sum that exceeds 64 bits for never, which with a negative offset is every sum: the timer of a
// running guest then never comes. So each has one sign of the offset that is right whatever a guest writes, and only
// the second fault can be tried without dying of the first.
#include "arch/arm64/host/timertrial.h"

#include "arch/host.h"
#include "arch/arm64/host/timer.h"
#include "vmm/base/log.h"

#define TRIAL_TICKS 100u

static bool leads;

bool timertrial_leads(void)
{
    return leads;
}

// Armed for the same counter value, the EL2 timer one cycle later: an emulator may be late with its timers, but not
// with one alone. When the later one has come, the other one comes no more.
static bool try_lead(void)
{
    htime_t start = arm64_counter();
    sysreg_write(cntvoff_el2, -COUNTER_LEAD);
    sysreg_write(cntv_cval_el0, start + TRIAL_TICKS + COUNTER_LEAD);
    sysreg_write(cntv_ctl_el0, CNT_ENABLE | CNT_IMASK);
    hosttimer_arm(start + TRIAL_TICKS + 1);
    while ((sysreg_read(cnthp_ctl_el2) & CNT_ISTATUS) == 0 && arm64_counter() - start < arch_counter_hz())
        arm64_yield();
    bool came = (sysreg_read(cntv_ctl_el0) & CNT_ISTATUS) != 0;
    sysreg_write(cntv_ctl_el0, 0);
    hosttimer_stop();
    return came;
}

void timertrial(void)
{
    leads = try_lead();
    log_line("timer", leads ? "a guest's counter may be ahead of the host's"
                            : "the virtual timer does not come when a guest's counter is ahead of the host's: it "
                              "never gets there, and a warp waits until the host's has come as far");
}
