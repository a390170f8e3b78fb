// SPDX-License-Identifier: MIT
// What the monitor's keys do: show one part of the report while the VM runs, pause, resume, quit. The guest's own time
// does not see any of it: printing is booked as other work of the host, a pause as P, and V stands still in both,
// unless it is the host's clock (clock=wall); then the guest is told that it was stopped.
#include "vmm/commands.h"

#include <string.h>

#include "arch/arch.h"
#include "vmm/account.h"
#include "vmm/report.h"

static void line_out(void *context, const char *line)
{
    (void)context;
    console_write(line, strlen(line));
    console_write("\r\n", 2);
}

static void show(struct vcpu *vcpu, enum report_part part)
{
    struct report_input input;
    vm_report_input(vcpu->vm, &input);
    report_print_part(&input, part, line_out, NULL);
}

// The time until the letter that ends it is P, in pieces of a slice, so that a key is seen soon.
static void pause(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    ledger_turn(&vcpu->ledger, ACCOUNT_PAUSED, arch_counter_read());
    while (vm->keys.paused && vm->keys.command == 0) {
        arch_idle(vcpu, arch_counter_read() + vm->slice_cycles);
        console_poll(vm);
    }
    ledger_turn(&vcpu->ledger, ACCOUNT_HOST, arch_counter_read());
}

static void resume(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    if (!vm->keys.paused)
        return;
    vm->keys.paused = false;
    line_out(NULL, "[resumed]");
    if (vm->vtime.clock == CLOCK_WALL)
        arch_vcpu_was_paused(vcpu);
}

static void obey(struct vcpu *vcpu, uint8_t command)
{
    switch (command) {
    case 'l': show(vcpu, REPORT_ACCOUNTS); break;
    case 'e': show(vcpu, REPORT_EXITS); break;
    case 't': show(vcpu, REPORT_TIMERS); break;
    case 'c': show(vcpu, REPORT_CLOCKS); break;
    case 'n': show(vcpu, REPORT_LANES); break;
    case 's': screen_toggle(vcpu->vm); break;
    case 'p':
        vcpu->vm->keys.paused = true;
        line_out(NULL, "[paused: every key is the monitor's now, r resumes]");
        break;
    case 'r': resume(vcpu); break;
    case 'q': vm_end(vcpu->vm, VM_POWER_OFF, 0, "ended from the keyboard"); break;
    default: line_out(NULL, KEYS_LEGEND); break;
    }
}

void commands_obey(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    htime_t start = arch_counter_read();
    ledger_turn(&vcpu->ledger, ACCOUNT_HOST, start);
    do {
        uint8_t command = vm->keys.command;
        vm->keys.command = 0;
        if (command != 's') {
            screen_hide(vm);
            line_out(NULL, ""); // the guest's own line may not be at its end
        }
        obey(vcpu, command);
        if (vm->keys.paused && vm->end == VM_RUNNING)
            pause(vcpu);
    } while (vm->keys.command != 0 && vm->end == VM_RUNNING);
    vcpu_host_worked(vcpu, ACCOUNT_MONITOR, start, arch_counter_read());
}
