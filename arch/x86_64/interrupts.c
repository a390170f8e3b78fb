// SPDX-License-Identifier: MIT
// Host interrupts, which are masked while the monitor runs, and waiting for one.
#include "arch/x86_64/interrupts.h"

#include "arch/arch.h"
#include "arch/x86_64/host/idt.h"
#include "arch/x86_64/host/timer.h"
#include "arch/x86_64/host/x86.h"
#include "time/ratio.h"

static struct ratio hosttimer_ratio; // host counter cycles to ticks of the host's timer

void interrupts_init(void)
{
    hosttimer_ratio = ratio_make(hosttimer_hz(), arch_counter_hz());
}

// The alarm is stopped first. It runs on while the monitor works, and one that goes off there ends the next slice
// before its first instruction; with a deadline nearer than the monitor's own work, every slice after that one too.
void arch_take_interrupts(struct vcpu *vcpu)
{
    (void)vcpu; // none of them is a guest's
    hosttimer_stop();
    host_irqs_take();
}

// HLT between the arming of the alarm and its arrival; STI holds interrupts back for one instruction, so none is lost.
void arch_idle(struct vcpu *vcpu, htime_t until)
{
    (void)vcpu;
    htime_t host_now = x86_rdtsc();
    if (until <= host_now)
        return;
    uint64_t ticks = ratio_ceil(hosttimer_ratio, until - host_now);
    hosttimer_arm(ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    hosttimer_stop();
}
