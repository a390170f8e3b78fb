// SPDX-License-Identifier: MIT
// How a VM ends: by its guest, by its limits, or by the monitor.
#include "vmm/vm.h"

#include <stdarg.h>

#include "arch/arch.h"
#include "time/limits.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"

void vm_end(struct vm *vm, enum vm_end end, uint32_t value, const char *reason)
{
    if (vm->end != VM_RUNNING)
        return;
    vm->end = end;
    vm->exit_value = value;
    format(vm->end_reason, sizeof(vm->end_reason), "%s", reason);
}

void vm_kill(struct vm *vm, const char *text, ...)
{
    if (vm->end != VM_RUNNING)
        return;
    va_list arguments;
    va_start(arguments, text);
    format_v(vm->end_reason, sizeof(vm->end_reason), text, arguments);
    va_end(arguments);
    vm->end = VM_KILLED;
    log_line("record", "%s was ended: %s", vm->config.name, vm->end_reason);
    arch_vcpu_record(&vm->vcpu);
}

void vm_end_at_limit(struct vm *vm)
{
    char reason[64];
    if (vm->limit == LIMIT_V_CYCLES) {
        vm_kill(vm, "its clock came to the end that every VM's clock has");
        return;
    }
    format(reason, sizeof(reason), "its limit of %lu ms of its own time was reached", vm->config.limit_ms);
    vm_end(vm, VM_LIMITED, 0, reason);
}

void vm_end_at_monitor_limit(struct vm *vm)
{
    char reason[100];
    format(reason, sizeof(reason), "its limit of %lu ms was reached: the monitor has worked %u times as long for it",
           vm->config.limit_ms, LIMIT_MONITOR_TIMES);
    vm_end(vm, VM_LIMITED, 0, reason);
}
