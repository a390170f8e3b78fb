// SPDX-License-Identifier: MIT
// One trip through the house, over and over: make the guest take what is pending, arm the alarm, run a slice of it,
// book every cycle, fire what has come due, do what the exit asks for. `now` is taken once an exit, from the t1 sample.
// The exits that guests make most are answered before they come here, beside the world switch (vmm/quick.h).
#include "vmm/run.h"

#include "arch/arch.h"
#include "time/limits.h"
#include "time/ratio.h"
#include "vmm/account.h"
#include "vmm/commands.h"
#include "vmm/console.h"
#include "vmm/delivery.h"
#include "vmm/event.h"
#include "vmm/exit.h"
#include "vmm/polling.h"

// Alarms in a row that gave the guest not one cycle, before the next is put later, twice as much each time: on real
// hardware the calibrated way in can be a little too short, and a guest that is always stopped before its first
// instruction would hang.
#define EARLY_ALARMS_TOLERATED 8u

// Plans until when the guest runs: to the next deadline, or for slice_cycles if none comes before. Returns the alarm.
static uint64_t next_alarm(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    uint64_t   cycles = timerq_next(&vm->machine.timers) - vm->vtime.now;
    if (cycles > vm->slice_cycles)
        cycles = vm->slice_cycles;
    HOT_INVARIANT(cycles != 0 && timerq_next(&vm->machine.timers) > vm->vtime.now);
    vcpu->run_until = vm->vtime.now + cycles;
    if (vcpu->early_alarms > EARLY_ALARMS_TOLERATED)
        cycles += UINT64_C(1) << (vcpu->early_alarms - EARLY_ALARMS_TOLERATED);
    return vcpu->careful ? delivery_alarm(vcpu, cycles) : cycles;
}

// The host really waits, for so many cycles or for input from outside. V goes on meanwhile under idle=real and
// clock=wall.
static void wait(struct vcpu *vcpu, uint64_t cycles)
{
    struct vm *vm = vcpu->vm;
    if (cycles > vm->slice_cycles)
        cycles = vm->slice_cycles;
    htime_t start = arch_counter_read();
    ledger_turn(&vcpu->ledger, ACCOUNT_IDLE, start);
    arch_idle(vcpu, start + cycles);
    htime_t end = arch_counter_read();
    ledger_turn(&vcpu->ledger, ACCOUNT_MONITOR, end);
    vcpu_not_monitor(vcpu, end - start);
    vtime_idled(&vm->vtime, end - start, end);
    vm_trace(vm, TRACE_IDLE, 0, start, end - start, 0);
    console_poll(vm);
}

// The next thing that will happen to this VM by itself; TIME_NEVER if nothing will.
static vtime_t next_event(const struct vm *vm)
{
    vtime_t deadline = timerq_next(&vm->machine.timers);
    return deadline < LIMIT_V_CYCLES ? deadline : TIME_NEVER;
}

// The vCPU is halted and nothing that is pending can wake it now.
static void idle(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    if (!arch_vcpu_can_wake(vcpu) && !(arch_vcpu_can_take(vcpu, ARCH_NMI) && machine_nmi_routed(vm))) {
        vm_kill(vm, "halted with interrupts off: nothing can wake it");
        return;
    }
    vtime_t deadline = next_event(vm), before = vm->vtime.now;
    uint64_t ahead = vcpu->never_ahead ? vtime_warp_ahead(&vm->vtime, deadline, arch_counter_read()) : 0;
    if (ahead == 0 && vtime_warp(&vm->vtime, deadline))
        vm_trace(vm, TRACE_WARP, 0, vcpu->last_t1, 0, before);
    else
        wait(vcpu, ahead != 0 ? ahead : vtime_idle_wait(&vm->vtime, deadline));
    machine_run_timers(vm);
}

// The guest leaves no register as it was. What the compiler is told here is that the pointer is a new one, so that it
// loads it once after the guest, and not at each use.
static inline struct vcpu *loaded_once(struct vcpu *vcpu)
{
    __asm__("" : "+r"(vcpu));
    return vcpu;
}

// V is at a deadline, or slice_cycles have passed without one.
static void timers_due(struct vcpu *vcpu)
{
    if (vcpu->careful)
        delivery_reached(vcpu);
    machine_run_timers(vcpu->vm);
}

static void look_for_progress(struct vcpu *vcpu, const struct exit *exit)
{
    if (progress_is_over(&vcpu->vm->progress, &vcpu->ledger, LIMIT_NO_PROGRESS_CYCLES))
        vm_kill(vcpu->vm, "no progress: %lu ms of the monitor's work without an instruction of the guest (exit '%s')",
                mul_div_floor(LIMIT_NO_PROGRESS_CYCLES, 1000, arch_counter_hz()), exit_kind_name(exit->kind));
    else if (vcpu->ledger.total[ACCOUNT_MONITOR] > vcpu->vm->monitor_limit)
        vm_end_at_monitor_limit(vcpu->vm);
}

// A slice's time has passed since the last time here: exits alone may have filled it. An access to the UART polls the
// console by itself, so when the console was last polled says nothing about this.
static __attribute__((noinline, cold)) void now_and_then(struct vcpu *vcpu, const struct exit *exit)
{
    vcpu->vm->polling.asked_at = vcpu->last_t1;
    ledger_turn(&vcpu->ledger, ACCOUNT_MONITOR, vcpu->last_t1);
    console_poll(vcpu->vm);
    polling_look(vcpu, exit);
    look_for_progress(vcpu, exit);
}

static struct vcpu *slice(struct vcpu *vcpu)
{
    struct slice slice;
    struct exit exit;
    arch_vcpu_enter(vcpu, next_alarm(vcpu), &slice, &exit);
    vcpu = loaded_once(vcpu);
    if (!exit.booked)
        vcpu_account(vcpu, &slice, exit.kind);
    if (vcpu->run_until <= vcpu->vm->vtime.now) // mostly not: asked here, where it costs no call
        timers_due(vcpu);
    if (vcpu->last_t1 - vcpu->vm->polling.asked_at >= vcpu->vm->slice_cycles)
        now_and_then(vcpu, &exit);
    exit_dispatch(vcpu, &exit);
    return vcpu;
}

__attribute__((flatten)) void vcpu_run(struct vcpu *vcpu)
{
    while (vcpu->vm->end == VM_RUNNING) {
        events_deliver(vcpu);
        if (vcpu->halted)
            idle(vcpu);
        else
            vcpu = slice(vcpu);
        if (vcpu->vm->keys.command != 0)
            commands_obey(vcpu);
    }
}
