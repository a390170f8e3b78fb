// SPDX-License-Identifier: MIT
// The local APIC timer as the host's alarm (SDM 3A 10.5.4): one-shot, divide by 1. Its rate is measured by tsc.c.
// TSC-deadline mode and ARAT are reported, not used: the one-shot is what every host has.
#include "arch/x86_64/host/timer.h"

#include "arch/x86_64/host/apic.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/base/log.h"

#define DIVIDE_BY_1 0xbu // SDM 3A figure 10-10

static uint64_t timer_hz; // 0 until tsc_init() has measured it

void hosttimer_init(void)
{
    hostapic_write(APIC_TIMER_INITIAL, 0);
    hostapic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
    hostapic_write(APIC_LVT_TIMER, VECTOR_ALARM); // one-shot, not masked
    bool deadline = (x86_cpuid(1, 0).ecx & 1u << 24) != 0;
    bool always_on = x86_cpuid(0, 0).eax >= 6 && (x86_cpuid(6, 0).eax & 1u << 2) != 0;
    log_line("timer", "LAPIC one-shot; TSC-deadline %s, runs in deep sleep %s",
             deadline ? "present (not used)" : "absent", always_on ? "yes" : "not promised");
}

void hosttimer_set_hz(uint64_t hz)
{
    timer_hz = hz;
}

uint64_t hosttimer_hz(void)
{
    return timer_hz;
}

volatile uint32_t *hosttimer_mmio(void)
{
    return hostapic_mmio(APIC_TIMER_INITIAL);
}

void hosttimer_arm(uint32_t count)
{
    hostapic_write(APIC_TIMER_INITIAL, count);
}

void hosttimer_stop(void)
{
    hostapic_write(APIC_TIMER_INITIAL, 0);
}

uint32_t hosttimer_current(void)
{
    return hostapic_read(APIC_TIMER_CURRENT);
}
