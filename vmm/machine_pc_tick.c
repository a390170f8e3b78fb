// SPDX-License-Identifier: MIT
// The timers' ticks: from a device's expiries, by the VM's tick policy, to interrupts on the line, and back when the
// guest takes one.
//
// While a timer's interrupt is on its line and the guest has not taken it, further expiries change nothing that the
// guest can see before it does, so the timer is off the queue: they are counted, exactly, when it is next looked at. So
// are those that come while a tick waits for its time (tick=delay). No period a guest can choose makes the monitor work
// more than once per interrupt taken.
//
// Expiries of the PIT while the guest has masked its line in the 8259 and in the IOAPIC are no late ticks: no policy
// keeps them. As on the chips, one is latched by the 8259 and the others are lost.
#include "arch/arch.h"
#include "vmm/machine_pc_wiring.h"

void machine_tick_init(struct vm *vm)
{
    ticks_init(&vm->machine.pit_tick.ticks, vm->config.tick);
    ticks_init(&vm->machine.lapic_tick.ticks, vm->config.tick);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        ticks_init(&vm->machine.hpet_tick[i].ticks, vm->config.tick);
    vm->machine.lapic_tick.open = true; // its expiries are counted in the timer only while its LVT is not masked
}

static bool pit_line_free(const struct machine *machine)
{
    return !machine_irq_waiting(machine, IRQ_PIT, machine->pit_tick.open);
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

static const struct tick_wiring pit_wiring = { TIMER_PIT, DEVICE_PIT, pit_line_free, pit_raise };
static const struct tick_wiring lapic_wiring = { TIMER_LAPIC, DEVICE_LAPIC, lapic_line_free, lapic_raise_tick };

void machine_tick_forget(struct tick_source *source, uint32_t stale)
{
    ticks_expire(&source->ticks, stale, false);
    ticks_cancel(&source->ticks);
}

void machine_tick_book(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring, uint32_t expiries,
                       bool line_free)
{
    if (expiries == 0)
        return;
    uint32_t lost = source->open ? 0 : expiries - line_free;
    ticks_expire(&source->ticks, expiries - lost, line_free);
    ticks_lose(&source->ticks, lost);
    vm_trace(vm, TRACE_DUE, wiring->timer, vm->vcpu.last_t1, expiries, vm->machine.firing);
}

// Inline, here and below: for each caller the wiring is a constant, and every tick comes this way.
static inline __attribute__((always_inline)) vtime_t settle_tick(struct vm *vm, struct tick_source *source,
                                                                 const struct tick_wiring *wiring, uint32_t expiries,
                                                                 uint64_t period_cycles)
{
    struct machine *machine = &vm->machine;
    machine_tick_book(vm, source, wiring, expiries, wiring->line_free(machine));
    if (source->ticks.pending != 0 && wiring->line_free(machine) &&
        ticks_take(&source->ticks, vm->vtime.now, period_cycles)) {
        source->due = expiries == 1 ? machine->firing : TIME_NEVER; // of a backlog the single deadlines are not kept
        source->on_line = true;
        wiring->raise(machine);
    }
    vtime_t retry = wiring->line_free(machine) ? ticks_retry(&source->ticks) : TIME_NEVER;
    return retry > vm->vtime.now ? retry : TIME_NEVER; // a moment that has passed waits for the guest, not for time
}

vtime_t machine_tick_settle(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring,
                            uint32_t expiries, uint64_t period_cycles)
{
    return settle_tick(vm, source, wiring, expiries, period_cycles);
}

static uint32_t take_pit_expiries(struct machine *machine)
{
    uint32_t stale;
    if (pit_take_restart(&machine->pit, &stale))
        machine_tick_forget(&machine->pit_tick, stale);
    return irq_line_take_rises(&machine->pit.irq0);
}

static void rearm_pit(struct vm *vm, vtime_t retry)
{
    struct machine *machine = &vm->machine;
    machine->pit_tick.busy = !pit_line_free(machine);
    vtime_t next = machine->pit_tick.busy ? TIME_NEVER : pit_ops.next_deadline(&machine->pit);
    machine_rearm(vm, DEVICE_PIT, retry != TIME_NEVER ? retry : next);
}

static __attribute__((noinline)) void settle_pit_ticks(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint32_t rises = take_pit_expiries(machine);
    if (machine_irq_unheard(machine, IRQ_PIT)) {
        machine_tick_book(vm, &machine->pit_tick, &pit_wiring, rises, false);
        machine->pit_tick.busy = true;
        machine_rearm(vm, DEVICE_PIT, TIME_NEVER);
        return;
    }
    rearm_pit(vm, settle_tick(vm, &machine->pit_tick, &pit_wiring, rises, pit_irq_period_cycles(&machine->pit)));
}

// Legacy replacement: the 8254 counts on, and its output goes nowhere.
static __attribute__((noinline)) void settle_pit_off_line(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    machine_tick_forget(&machine->pit_tick, take_pit_expiries(machine));
    machine->pit_tick.on_line = false;
    machine_rearm(vm, DEVICE_PIT, TIME_NEVER);
}

// Most accesses find no tick that has expired, waits, or was given up.
void settle_pit(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    if (machine->hpet_legacy) {
        settle_pit_off_line(vm);
        return;
    }
    bool ticks = (machine->pit.irq0.rises | machine->pit.irq0_restarted | machine->pit_tick.ticks.pending) != 0;
    if (ticks)
        settle_pit_ticks(vm);
    else
        rearm_pit(vm, TIME_NEVER);
}

// What came due before the guest masked the PIT's line, took a mask away, or made a line free that was not, is booked
// as it was then: a deadline that has passed is never queued again.
void machine_tick_reroute(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    bool open = machine_irq_open(machine, IRQ_PIT);
    if (open != machine->pit_tick.open || machine->pit_tick.busy) {
        machine_advance(vm, DEVICE_PIT, vm->vtime.now);
        uint32_t expiries = take_pit_expiries(machine);
        machine_tick_book(vm, &machine->pit_tick, &pit_wiring, expiries, false); // not free: it would be booked
        machine->pit_tick.open = open;
    }
    settle_pit(vm);
    machine_hpet_reroute(vm);
}

static __attribute__((noinline)) vtime_t settle_lapic_outputs(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint32_t stale;
    if ((machine->lapic.rerouted | machine->lapic.ended.nonzero) != 0)
        machine_lapic_used(vm);
    if (lapic_take_timer_restart(&machine->lapic, &stale))
        machine_tick_forget(&machine->lapic_tick, stale);
    uint32_t expiries = lapic_take_timer_expiries(&machine->lapic);
    return settle_tick(vm, &machine->lapic_tick, &lapic_wiring, expiries, lapic_timer_period_cycles(&machine->lapic));
}

// Most accesses leave nothing to do but to queue the deadline: an EOI of an edge, a message to itself.
void settle_lapic(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    const struct lapic *lapic = &machine->lapic;
    bool outputs = (lapic->timer.restarted | lapic->timer.expired | machine->lapic_tick.ticks.pending |
                    lapic->rerouted | lapic->ended.nonzero) != 0;
    vtime_t retry = outputs ? settle_lapic_outputs(vm) : TIME_NEVER;
    machine->lapic_tick.busy = !lapic_line_free(machine);
    vtime_t next = machine->lapic_tick.busy ? TIME_NEVER : lapic_ops.next_deadline(lapic);
    machine_rearm(vm, DEVICE_LAPIC, retry != TIME_NEVER ? retry : next);
}

// --- the acknowledge cycle ------------------------------------------------------------------------------------------

struct ticks_waiting machine_ticks_waiting(const struct machine *machine)
{
    return (struct ticks_waiting){
        .pit = machine->pit_tick.busy,
        .lapic = machine->lapic_tick.busy,
        .hpet = machine->hpet_busy,
    };
}

// Did the cycle that is over take this timer's tick? Then its lateness is known, and the timer, that was off the queue
// meanwhile, counts what has expired. Returns the tick's deadline, 0 if it was not this one.
static inline __attribute__((always_inline)) vtime_t taken(struct vm *vm, struct tick_source *source,
                                                           const struct tick_wiring *wiring)
{
    if (!wiring->line_free(&vm->machine))
        return 0;
    vtime_t due = source->on_line ? source->due : 0; // another's interrupt can have been in the way
    if (source->on_line && due != TIME_NEVER)
        histogram_add(&vm->vcpu.stats.timer[wiring->timer].lateness, vm->vtime.now - due);
    source->on_line = false;
    machine_advance(vm, wiring->device, vm->vtime.now);
    machine_settle(vm, wiring->device);
    return due;
}

vtime_t machine_tick_taken(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring)
{
    return taken(vm, source, wiring);
}

vtime_t machine_ticks_taken(struct vm *vm, struct ticks_waiting before)
{
    struct machine *machine = &vm->machine;
    vtime_t pit = before.pit ? taken(vm, &machine->pit_tick, &pit_wiring) : 0;
    vtime_t lapic = before.lapic ? taken(vm, &machine->lapic_tick, &lapic_wiring) : 0;
    vtime_t hpet = before.hpet != 0 ? machine_hpet_taken(vm, before.hpet) : 0;
    return pit != 0 ? pit : lapic != 0 ? lapic : hpet;
}
