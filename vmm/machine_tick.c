// SPDX-License-Identifier: MIT
// The timers' ticks: from a device's expiries, by the VM's tick policy, to interrupts on the line, and back when the
// guest takes one.
//
// While a timer's interrupt is on its line and the guest has not taken it, further expiries change nothing that the
// guest can see before it does, so the timer is off the queue: they are counted, exactly, when it is next looked at. So
// are those that come while a tick waits for its time (tick=delay). No period a guest can choose makes the monitor work
// more than once per interrupt taken.
#include "arch/arch.h"
#include "vmm/machine_wiring.h"

void machine_tick_init(struct vm *vm)
{
    ticks_init(&vm->machine.pit_tick.ticks, vm->config.tick);
    ticks_init(&vm->machine.lapic_tick.ticks, vm->config.tick);
}

static bool pit_line_free(const struct machine *machine)
{
    return !machine_irq_waiting(machine, IRQ_PIT);
}

static void pit_raise(struct machine *machine)
{
    machine_set_irq(machine, IRQ_PIT, true);
    machine_set_irq(machine, IRQ_PIT, false);
}

static bool lapic_line_free(const struct machine *machine)
{
    return lapic_timer_vector_free(&machine->lapic);
}

static void lapic_raise_tick(struct machine *machine)
{
    lapic_timer_deliver(&machine->lapic);
}

struct tick_wiring {
    enum timer_id  timer;
    enum device_id device;
    bool (*line_free)(const struct machine *machine);
    void (*raise)(struct machine *machine);
};

static const struct tick_wiring pit_wiring = { TIMER_PIT, DEVICE_PIT, pit_line_free, pit_raise };
static const struct tick_wiring lapic_wiring = { TIMER_LAPIC, DEVICE_LAPIC, lapic_line_free, lapic_raise_tick };

// A timer that the guest has programmed anew owes it nothing of the past: what expired before and what waited is
// dropped.
static void forget_backlog(struct tick_source *source, uint32_t stale)
{
    ticks_expire(&source->ticks, stale, false);
    ticks_cancel(&source->ticks);
}

// Books `expiries`, and puts at most one tick on the line. Returns when to look again although no device asks for it: a
// tick that waits for its time under tick=delay.
static vtime_t settle_tick(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring,
                           uint32_t expiries, uint64_t period_cycles)
{
    struct machine *machine = &vm->machine;
    if (expiries != 0) {
        ticks_expire(&source->ticks, expiries, wiring->line_free(machine));
        vm_trace(vm, TRACE_DUE, wiring->timer, vm->vcpu.last_t1, expiries, machine->firing);
    }
    if (source->ticks.pending != 0 && wiring->line_free(machine) &&
        ticks_take(&source->ticks, vm->vtime.now, period_cycles)) {
        source->due = expiries == 1 ? machine->firing : TIME_NEVER; // of a backlog the single deadlines are not kept
        source->on_line = true;
        wiring->raise(machine);
    }
    vtime_t retry = wiring->line_free(machine) ? ticks_retry(&source->ticks) : TIME_NEVER;
    return retry > vm->vtime.now ? retry : TIME_NEVER; // a moment that has passed waits for the guest, not for time
}

static vtime_t settle_pit_ticks(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint32_t stale;
    if (pit_take_restart(&machine->pit, &stale))
        forget_backlog(&machine->pit_tick, stale);
    uint32_t rises = irq_line_take_rises(&machine->pit.irq0);
    return settle_tick(vm, &machine->pit_tick, &pit_wiring, rises, pit_irq_period_cycles(&machine->pit));
}

// Most accesses find no tick that has expired, waits, or was given up.
void settle_pit(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    bool ticks = (machine->pit.irq0.rises | machine->pit.irq0_restarted | machine->pit_tick.ticks.pending) != 0;
    vtime_t retry = ticks ? settle_pit_ticks(vm) : TIME_NEVER;
    vtime_t next = pit_line_free(machine) ? pit_ops.next_deadline(&machine->pit) : TIME_NEVER;
    machine_rearm(vm, DEVICE_PIT, retry != TIME_NEVER ? retry : next);
}

static vtime_t settle_lapic_ticks(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint32_t stale;
    if (lapic_take_timer_restart(&machine->lapic, &stale))
        forget_backlog(&machine->lapic_tick, stale);
    uint32_t expiries = lapic_take_timer_expiries(&machine->lapic);
    return settle_tick(vm, &machine->lapic_tick, &lapic_wiring, expiries, lapic_timer_period_cycles(&machine->lapic));
}

void settle_lapic(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    const struct lapic_timer *timer = &machine->lapic.timer;
    bool ticks = (timer->restarted | timer->expired | machine->lapic_tick.ticks.pending) != 0;
    vtime_t retry = ticks ? settle_lapic_ticks(vm) : TIME_NEVER;
    vtime_t next = lapic_line_free(machine) ? lapic_ops.next_deadline(&machine->lapic) : TIME_NEVER;
    machine_rearm(vm, DEVICE_LAPIC, retry != TIME_NEVER ? retry : next);
}

// --- the acknowledge cycle ------------------------------------------------------------------------------------------

struct ticks_waiting machine_ticks_waiting(const struct machine *machine)
{
    return (struct ticks_waiting){ .pit = !pit_line_free(machine), .lapic = !lapic_line_free(machine) };
}

// Did the cycle that is over take this timer's tick? Then its lateness is known, and the timer, that was off the queue
// meanwhile, counts what has expired. Returns the tick's deadline, 0 if it was not this one.
static vtime_t taken(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring, bool was_waiting)
{
    if (!was_waiting || !wiring->line_free(&vm->machine))
        return 0;
    vtime_t due = source->due;
    if (source->on_line && due != TIME_NEVER)
        histogram_add(&vm->vcpu.stats.timer[wiring->timer].lateness, vm->vtime.now - due);
    source->on_line = false;
    machine_advance(vm, wiring->device, vm->vtime.now);
    machine_settle(vm, wiring->device);
    return due;
}

vtime_t machine_ticks_taken(struct vm *vm, struct ticks_waiting before)
{
    struct machine *machine = &vm->machine;
    vtime_t pit = taken(vm, &machine->pit_tick, &pit_wiring, before.pit);
    vtime_t lapic = taken(vm, &machine->lapic_tick, &lapic_wiring, before.lapic);
    return pit != 0 ? pit : lapic;
}
