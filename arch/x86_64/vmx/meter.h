// SPDX-License-Identifier: MIT
// Two witnesses of the guest's cycles that VMX has: the preemption timer, which counts in the guest alone and is saved
// at the exit (SDM 3C 25.5.1), and the TSC in the list of MSRs that the exit stores (27.4). Neither knows of the cycles
// from t0 to the entry and from the exit to t1, which G takes off by their calibrated sum: so they check it.
#ifndef ARCH_X86_64_VMX_METER_H
#define ARCH_X86_64_VMX_METER_H

#include "arch/x86_64/vmx/vmx.h"
#include "arch/x86_64/vmx/timer.h"

#define MSR_TSC 0x10u

static inline void vmx_start_meters(struct vcpu *vcpu)
{
    struct vmx_stored_msr *stamp = &vcpu->arch->vmx.stamp;
    struct meter *meters = vcpu->stats.meter;
    stamp->index = MSR_TSC;
    vmwrite(VMCS_EXIT_MSR_STORE, (uintptr_t)stamp);
    vmwrite(VMCS_EXIT_MSR_STORE_COUNT, 1);
    if (vcpu->vm->vtime.scale.multiplier == 0) // scaled, Bochs 2.7's stamp could not be told from a processor's
        meters[METER_EXIT_STAMP] = (struct meter){ .unit_cycles = 1, .extra_cycles = switch_costs.in };
    // The timer starts at the entry: before the first instruction by what calibration found for the alarm.
    if (vmx_caps.timer && (vmx_caps.exit & EXIT_CTL_SAVE_PREEMPTION_TIMER) != 0)
        meters[METER_GUEST_TIMER] = (struct meter){ .unit_cycles = UINT64_C(1) << vmx_caps.timer_rate,
                                                    .extra_cycles = switch_costs.alarm };
}

// What the switch loaded, made again in C. `alarm` has the rounding of one step in it.
static inline uint32_t loaded(const struct world *world)
{
    uint64_t step = UINT64_C(1) << world->timer_rate;
    return vmx_timer_value(world->t0 + world->way_in, world->alarm - (step - 1), (unsigned)world->timer_rate);
}

static inline void vmx_read_meters(struct vcpu *vcpu)
{
    const struct world *world = &vcpu->arch->world;
    HOT_INVARIANT(!world->timer || world->timer_value == loaded(world));
    struct meter *meters = vcpu->stats.meter;
    uint32_t saved = (uint32_t)vmread(VMCS_PREEMPTION_TIMER);
    meters[METER_GUEST_TIMER].counts += (uint32_t)world->timer_value - saved;
    uint64_t stamp = vcpu->arch->vmx.stamp.value - world->t0;
    if (stamp > world->t1 - world->t0) // Bochs 2.7 stores the guest's TSC, processors the host's
        stamp -= world->tsc_offset;
    meters[METER_EXIT_STAMP].counts += stamp;
}

#endif
