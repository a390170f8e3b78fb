// SPDX-License-Identifier: MIT
// What there is to say of one VM, put together from its parts; vmm/show/report.c says it.
#include "vmm/report.h"

#include "arch/arch.h"

void vm_report_input(struct vm *vm, struct report_input *out)
{
    struct vcpu *vcpu = &vm->vcpu;
    *out = (struct report_input){
        .vm_name = vm->config.name,
        .end_reason = vm->end_reason,
        .ledger = &vcpu->ledger,
        .host_now = arch_counter_read(),
        .vt = &vm->vtime,
        .careful = vcpu->careful,
        .margin_cycles = vcpu->delivery.margin_cycles,
        .alarm_error_cycles = vcpu->delivery.error_cycles,
        .stats = &vcpu->stats,
        .switches = vcpu->switches,
        .trace = &vm->trace,
        .host_hz = arch_counter()->hz,
        .host_hz_origin = arch_counter()->origin,
        .host_hz_not_believed = arch_counter()->not_believed,
        .lanes = vm->config.lanes,
    };
    out->timer_count = machine_timers(vm, out->timers);
    out->clock_count = arch_vcpu_clocks(vcpu, out->clocks);
    out->clock_count += machine_clocks(vm, out->clocks + out->clock_count);
}
