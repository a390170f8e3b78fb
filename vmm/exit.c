// SPDX-License-Identifier: MIT
// What each exit asks for, one line a case. The switch has no default, so a new kind of exit does not compile until it
// has its line.
#include "vmm/exit.h"

#include "arch/arch.h"
#include "time/emucost.h"
#include "vmm/account.h"

static void interrupted(struct vcpu *vcpu)
{
    vcpu->stats.alarms++;
    arch_take_interrupts(vcpu);
}

// The others cost an instruction. The hardware chooses whether a write of a control register or of the priority makes
// an exit; so those cost what they do where they make none.
static const uint8_t costs[EXIT_KIND_COUNT] = {
    [EXIT_PORT] = EMUCOST_PORT,
    [EXIT_MMIO] = EMUCOST_MEMORY,
    [EXIT_CPU_ID] = EMUCOST_MICROCODE,
    [EXIT_SYSREG_READ] = EMUCOST_MICROCODE,
    [EXIT_SYSREG_WRITE] = EMUCOST_MICROCODE,
};

void exit_price(struct vm *vm)
{
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
        vm->emulated_cycles[kind] = (uint32_t)emucost_cycles((enum emucost_kind)costs[kind], vm->vtime.hz);
}

void exit_dispatch(struct vcpu *vcpu, const struct exit *exit)
{
    switch (exit->kind) {
    case EXIT_INTERRUPT: interrupted(vcpu); return;
    case EXIT_ALARM: vcpu->stats.alarms++; return;
    case EXIT_NMI: arch_take_interrupts(vcpu); return;
    case EXIT_STEP: vcpu->delivery.steps += !exit->during_delivery; return;
    case EXIT_WINDOW: vcpu->stats.windows++; return;
    case EXIT_HALT: arch_vcpu_halt(vcpu, exit->insn_length); break;
    case EXIT_PORT:
    case EXIT_MMIO:
    case EXIT_CPU_ID:
    case EXIT_SYSREG_READ:
    case EXIT_SYSREG_WRITE:
    case EXIT_PRIORITY:
    case EXIT_DEBUG:
    case EXIT_CONTROL:
    case EXIT_HYPERCALL:
    case EXIT_FIRMWARE:
    case EXIT_IGNORED: arch_vcpu_emulate(vcpu, exit); break;
    case EXIT_FAULT: arch_vcpu_emulate(vcpu, exit); return;
    case EXIT_ANSWERED: return;
    case EXIT_SHUTDOWN: vm_kill(vcpu->vm, "its CPU has shut down (a triple fault)"); return;
    case EXIT_UNKNOWN:
    case EXIT_KIND_COUNT:
        vm_kill(vcpu->vm, "exit that this version does not know: hardware reason %#x, info %#lx",
                exit->hardware_reason, exit->info);
        return;
    }
    vcpu_emulated(vcpu, exit->kind);
    struct vm *vm = vcpu->vm;
    if (timerq_next(&vm->machine.timers) <= vm->vtime.now) // by the instruction itself, or its cost in guest+emu
        machine_run_timers(vm);
}
