// SPDX-License-Identifier: MIT
// The timers' ticks: from a device's output to a request in an interrupt controller, and from there to the guest.
//
// A chip remembers one request. A tick that finds it waiting is lost, as on the chip, and so is one that nobody listens
// to; only what the host made late goes to the VM's policy (time/tickpolicy.h).
//
// While the next edge would change nothing that the guest can notice without looking, because one waits already or the
// line is masked, the timer is off the queue: what its output did is worked out, exactly, before the guest looks. No
// period a guest can choose makes the monitor work more than once per interrupt taken.
#include "arch/arch.h"
#include "vmm/pc/wiring.h"

void machine_tick_init(struct vm *vm)
{
    ticks_init(&vm->machine.pit_tick.ticks, vm->config.tick);
    ticks_init(&vm->machine.lapic_tick.ticks, vm->config.tick);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        ticks_init(&vm->machine.hpet_tick[i].ticks, vm->config.tick);
}

// --- booking --------------------------------------------------------------------------------------------------------

// The host's cycles that the vCPU had for itself: it ran or was halted.
static uint64_t had_by_guest(const struct vm *vm)
{
    return vm->vcpu.ledger.total[ACCOUNT_GUEST] + vm->vcpu.ledger.total[ACCOUNT_IDLE];
}

static void start_waiting(const struct vm *vm, struct tick_source *source)
{
    source->since = vm->vtime.now;
    source->ran = had_by_guest(vm);
}

// Of `count` ticks that came while one waited in the chip: how many would not have come but for the time that the host
// took. A guest clock gives the host none. What is left of a period counts the next time.
static uint64_t made_late(const struct vm *vm, struct tick_source *source, uint64_t count, uint64_t period_cycles)
{
    if (vm->vtime.clock != CLOCK_WALL || period_cycles == 0 || !source->ticks.raised)
        return 0;
    uint64_t passed = vm->vtime.now - source->since;
    uint64_t had = counterscale_at(&vm->vtime.scale, had_by_guest(vm) - source->ran);
    uint64_t taken = passed > had ? passed - had : 0, late = taken / period_cycles;
    start_waiting(vm, source);
    source->since -= taken % period_cycles;
    return late < count ? late : count;
}

// How the line was when ticks came due. heard: the timer was on the queue, the first of them was to be an interrupt at
// once. room: a chip keeps one of them in any case. irq: the line, LAPIC_TIMER for none.
#define LAPIC_TIMER UINT8_MAX
struct tick_room {
    bool    heard, room;
    uint8_t irq;
};

// Would the guest have taken each? It has what keeps it out now since the first of them, as far as is known.
static bool guest_lets_in(const struct vm *vm, unsigned irq)
{
    const struct lapic *lapic = &vm->machine.lapic;
    return arch_vcpu_can_wake(&vm->vcpu) && (irq == LAPIC_TIMER ? lapic_lets_in(lapic, lapic->timer.lvt & 0xff)
                                                                : machine_irq_lets_in(&vm->machine, irq));
}

// The ticks among `count` that are not the chip's to lose. Those after the first were not made late by the host where
// V passed them by the modelled cost of an instruction, or where the guest kept them out.
static __attribute__((noinline)) uint64_t kept_of(const struct vm *vm, struct tick_source *source, uint64_t count,
                                                  struct tick_room line, uint64_t period_cycles, vtime_t at)
{
    if (!line.room)
        return made_late(vm, source, count, period_cycles);
    bool late = line.heard && !vtime_in_emulation(&vm->vtime, at);
    return late && guest_lets_in(vm, line.irq) ? count : 1;
}

// Inline, here and below: every tick comes this way.
static inline __attribute__((always_inline)) void book(struct vm *vm, struct tick_source *source, enum timer_id timer,
                                                       uint64_t count, struct tick_room line, uint64_t period_cycles,
                                                       vtime_t at)
{
    uint64_t kept = count == 1 && line.room ? 1 : kept_of(vm, source, count, line, period_cycles, at);
    ticks_expire(&source->ticks, kept, line.room);
    if (kept != count)
        ticks_lose(&source->ticks, count - kept);
    vm_trace(vm, TRACE_DUE, timer, vm->vcpu.last_t1, (uint32_t)count, at);
}

// Under tick=delay a tick that nobody has made late holds none back.
static inline __attribute__((always_inline)) bool raise(struct vm *vm, struct tick_source *source, vtime_t due,
                                                        uint64_t period_cycles, vtime_t at)
{
    vtime_t now = vtime_in_emulation(&vm->vtime, at) ? at : vm->vtime.now;
    if (!ticks_raise(&source->ticks, now, period_cycles))
        return false;
    source->due = due;
    if (period_cycles != 0)
        start_waiting(vm, source);
    return true;
}

// tick=delay alone waits for a moment.
static vtime_t retry_at(const struct vm *vm, const struct tick_source *source)
{
    vtime_t retry = ticks_retry(&source->ticks);
    return retry > vm->vtime.now ? retry : TIME_NEVER; // a moment that has passed waits for the guest, not for time
}

// --- a timer with an output on a line -------------------------------------------------------------------------------

// A tick that is held back holds the edge.
bool machine_tick_wire(const struct tick_source *source, bool output)
{
    return source->stretched || (output && !source->muted && ticks_backlog(&source->ticks) == 0);
}

// Rises that a device has counted become ticks. Of one or many, one edge at most goes to the line: a chip keeps no
// more. Where the host was late with it, the line stays up until it is taken, as it would have been had the guest been
// asked in time.
void machine_tick_edges(struct vm *vm, struct tick_source *source, const struct tick_line *line, uint32_t rises,
                        vtime_t at)
{
    struct machine *machine = &vm->machine;
    struct irq_state state = machine_irq_state(machine, line->irq);
    bool heard = state.alive && !source->asleep, late = !vtime_in_emulation(&vm->vtime, at);
    if (rises != 0 || !line->level)
        source->muted = false;
    if (rises == 0)
        return;
    struct tick_room room = { heard, !source->ticks.raised && (heard || state.latch), (uint8_t)line->irq };
    book(vm, source, line->timer, rises, room, line->period_cycles, at);
    bool raised = room.room && raise(vm, source, heard && rises == 1 ? at : TIME_NEVER,
                                     heard ? line->period_cycles : 0, at);
    if (raised || !room.room) // else the policy holds it back
        machine_pulse_irq(machine, line->irq);
    // The guest could have taken it while the line was up, or before those that wait after it hold the line down.
    if (raised && ((heard && late && !line->level) || ticks_backlog(&source->ticks) != 0))
        source->stretched = true;
}

// After the edges: is the tick in the chip still there, is there room for one that the policy has kept, and may the
// timer leave the queue until the guest looks?
vtime_t machine_tick_rest(struct vm *vm, struct tick_source *source, const struct tick_line *line, vtime_t at)
{
    struct machine *machine = &vm->machine;
    struct irq_state state = machine_irq_state(machine, line->irq);
    if (source->ticks.raised && !state.waiting) {
        ticks_withdrawn(&source->ticks);
        source->stretched = false;
    }
    source->falls = machine_irq_hears_falls(machine, line->irq);
    if (!state.open || source->falls)
        ticks_cancel(&source->ticks); // the guest does not listen, or to falls, which are no ticks
    bool free = state.alive && !machine->unheard;
    if (ticks_backlog(&source->ticks) != 0 && free && raise(vm, source, TIME_NEVER, line->period_cycles, at)) {
        source->stretched = true;
        machine_pulse_irq(machine, line->irq);
        state = machine_irq_state(machine, line->irq);
        if (!state.waiting) { // another request has the 8259's output up: no edge of this one comes to anything
            ticks_withdrawn(&source->ticks);
            ticks_cancel(&source->ticks);
            source->stretched = false;
        }
    }
    source->asleep = !state.alive;
    source->busy = state.open && (source->asleep || source->ticks.raised);
    return state.alive ? retry_at(vm, source) : TIME_NEVER;
}

// The lateness of a tick is V where the guest takes it, minus its deadline. One of several that came at once has no
// deadline of its own.
vtime_t machine_tick_taken(struct vm *vm, struct tick_source *source, enum timer_id timer, bool waiting)
{
    if (!source->ticks.raised || waiting)
        return 0;
    vtime_t due = source->due;
    ticks_taken(&source->ticks);
    source->stretched = false;
    if (due != TIME_NEVER)
        histogram_add(&vm->vcpu.stats.timer[timer].lateness, vm->vtime.now - due);
    return due;
}

// No line, no ticks: what comes due is counted as lost, and what was under way is taken back.
void machine_tick_off(struct tick_source *source, uint32_t rises)
{
    ticks_lose(&source->ticks, rises);
    ticks_cancel(&source->ticks);
    if (source->ticks.raised)
        ticks_withdrawn(&source->ticks);
    source->asleep = source->muted = true;
    source->busy = source->stretched = source->falls = false;
}

// --- the 8254 -------------------------------------------------------------------------------------------------------

void machine_tick_set_busy(struct machine *machine, uint8_t line, bool busy)
{
    machine->lines_busy = (uint8_t)(busy ? machine->lines_busy | line : machine->lines_busy & ~line);
}

// What came due before the guest programmed it anew has come due all the same; what waited for the policy is gone.
static uint32_t take_pit_rises(struct machine *machine)
{
    uint32_t stale = 0;
    if (pit_take_restart(&machine->pit, &stale))
        ticks_cancel(&machine->pit_tick.ticks);
    return stale + irq_line_take_rises(&machine->pit.irq0);
}

// A fall counts where the guest has asked for it, and a timer that sleeps asks for nothing.
static vtime_t pit_deadline(const struct machine *machine)
{
    vtime_t rise = pit_ops.next_deadline(&machine->pit);
    vtime_t fall = machine->pit_tick.falls ? pit_next_fall(&machine->pit) : TIME_NEVER;
    return machine->pit_tick.asleep ? TIME_NEVER : rise < fall ? rise : fall;
}

static __attribute__((noinline)) void settle_pit_output(struct vm *vm, vtime_t at)
{
    struct machine *machine = &vm->machine;
    struct tick_source *source = &machine->pit_tick;
    if (at < vm->vtime.now)
        pit_ops.advance(&machine->pit, vm->vtime.now);
    uint32_t rises = take_pit_rises(machine);
    if (machine->hpet_legacy) { // the 8254 counts on, and its output goes nowhere
        machine_tick_off(source, rises);
        machine_tick_set_busy(machine, LINE_PIT, false);
        machine_rearm(vm, DEVICE_PIT, TIME_NEVER);
        return;
    }
    struct tick_line line = { TIMER_PIT, IRQ_PIT, machine->pit.irq0.level, pit_irq_period_cycles(&machine->pit) };
    machine_tick_edges(vm, source, &line, rises, at);
    machine_set_irq(machine, IRQ_PIT, machine_tick_wire(source, line.level));
    vtime_t retry = machine_tick_rest(vm, source, &line, at);
    machine_set_irq(machine, IRQ_PIT, machine_tick_wire(source, line.level));
    machine_tick_set_busy(machine, LINE_PIT, source->busy);
    machine_rearm(vm, DEVICE_PIT, retry != TIME_NEVER ? retry : pit_deadline(machine));
}

// Most accesses change nothing but the deadline.
void settle_pit(struct vm *vm, vtime_t at)
{
    const struct machine *machine = &vm->machine;
    const struct tick_source *source = &machine->pit_tick;
    bool level = machine->pit.irq0.level != 0, wire = (machine->irq_levels >> IRQ_PIT & 1) != 0;
    bool output = (machine->pit.irq0.rises | machine->pit.irq0_restarted | ticks_backlog(&source->ticks)) != 0;
    if (output || level != wire || source->falls)
        settle_pit_output(vm, at);
    else
        machine_rearm(vm, DEVICE_PIT, source->asleep ? TIME_NEVER : pit_ops.next_deadline(&machine->pit));
}

// Brings the output up to V before somebody looks at it, or before what it meets is changed.
void machine_pit_output(struct vm *vm)
{
    machine_advance(vm, DEVICE_PIT, vm->vtime.now);
    settle_pit_output(vm, vm->vtime.now);
}

void machine_tick_reroute(struct vm *vm)
{
    machine_pit_output(vm);
    machine_hpet_reroute(vm);
}

// Only of the timers that are in somebody's way: they may have been off the queue while their output moved.
void machine_tick_look(struct vm *vm)
{
    const struct machine *machine = &vm->machine;
    if (machine->lines_busy & LINE_PIT && machine->pit.seen != vm->vtime.now)
        machine_pit_output(vm);
    if (machine->lines_busy & LINE_HPET && machine->hpet.seen != vm->vtime.now)
        machine_hpet_reroute(vm);
}

// --- the local APIC's timer, which needs no line --------------------------------------------------------------------

// While its vector waited: as many as there are are the chip's to lose.
static __attribute__((noinline)) void book_lapic_shut(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint64_t expiries = lapic_take_timer_expiries(&machine->lapic);
    book(vm, &machine->lapic_tick, TIMER_LAPIC, expiries, (struct tick_room){ 0 },
         lapic_timer_period(&machine->lapic.timer), vm->vtime.now);
}

// A tick of the old programming that nobody took is lost, whatever the policy: it is not the new timer's.
static void lapic_restarted(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint64_t stale;
    if (!lapic_take_timer_restart(&machine->lapic, &stale))
        return;
    ticks_lose(&machine->lapic_tick.ticks, stale);
    ticks_cancel(&machine->lapic_tick.ticks);
}

// As for a line, but the timer's vector takes its place: a tick waits in the IRR, and a masked LVTT is the mask.
static __attribute__((noinline)) void settle_lapic_outputs(struct vm *vm, vtime_t at)
{
    struct machine *machine = &vm->machine;
    struct lapic *lapic = &machine->lapic;
    struct tick_source *source = &machine->lapic_tick;
    if ((lapic->rerouted | lapic->ended.nonzero) != 0)
        machine_lapic_used(vm);
    if (at < vm->vtime.now)
        lapic_timer_advance(&lapic->timer, vm->vtime.now);
    if (lapic->timer.restarted)
        lapic_restarted(vm);
    bool waiting = lapic_timer_waiting(lapic), masked = (lapic->timer.lvt & LAPIC_LVT_MASKED) != 0;
    bool free = !masked && !waiting, heard = free && !source->busy;
    if (source->ticks.raised && !waiting)
        ticks_withdrawn(&source->ticks);
    uint64_t expiries = lapic_take_timer_expiries(lapic);
    uint64_t period_cycles = lapic_timer_period(&lapic->timer);
    if (expiries != 0)
        book(vm, source, TIMER_LAPIC, expiries, (struct tick_room){ heard, heard, LAPIC_TIMER }, period_cycles, at);
    if (masked && !waiting)
        ticks_cancel(&source->ticks);
    vtime_t due = heard && expiries == 1 ? at : TIME_NEVER;
    if (free && raise(vm, source, due, period_cycles, at))
        lapic_timer_deliver(lapic);
}

// Most accesses leave nothing to do but to queue the deadline: an EOI of an edge, a message to itself.
void settle_lapic(struct vm *vm, vtime_t at)
{
    struct machine *machine = &vm->machine;
    const struct lapic *lapic = &machine->lapic;
    bool outputs = (lapic->timer.restarted | lapic->timer.expired | machine->lapic_tick.ticks.pending |
                    lapic->rerouted | lapic->ended.nonzero) != 0;
    if (outputs)
        settle_lapic_outputs(vm, at);
    bool free = lapic_timer_vector_free(lapic);
    machine->lapic_tick.busy = !free;
    vtime_t retry = outputs && free ? retry_at(vm, &machine->lapic_tick) : TIME_NEVER;
    vtime_t next = free ? lapic_timer_next(&lapic->timer) : TIME_NEVER;
    machine_rearm(vm, DEVICE_LAPIC, retry != TIME_NEVER ? retry : next);
}

// --- the acknowledge cycle ------------------------------------------------------------------------------------------

struct ticks_waiting machine_ticks_waiting(const struct machine *machine)
{
    return (struct ticks_waiting){
        .lines = machine->lines_busy,
        .lapic = machine->lapic_tick.busy,
    };
}

// Did the acknowledge cycle take the PIT's tick, or another's that stood on its line?
static __attribute__((noinline)) vtime_t pit_taken(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    bool waiting = machine_irq_state(machine, IRQ_PIT).waiting;
    vtime_t due = machine_tick_taken(vm, &machine->pit_tick, TIMER_PIT, waiting);
    machine_pit_output(vm); // the line can have been busy with another's interrupt
    return due;
}

static inline __attribute__((always_inline)) vtime_t lapic_taken(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    const struct lapic *lapic = &machine->lapic;
    if (machine->lapic_tick.ticks.raised ? lapic_timer_waiting(lapic) : !lapic_timer_vector_free(lapic))
        return 0;
    machine_advance(vm, DEVICE_LAPIC, vm->vtime.now);
    if (machine->lapic.timer.expired != 0)
        book_lapic_shut(vm);
    vtime_t due = machine_tick_taken(vm, &machine->lapic_tick, TIMER_LAPIC, false);
    machine_settle(vm, DEVICE_LAPIC);
    return due;
}

// Those that are off the queue meanwhile count what has expired.
vtime_t machine_ticks_taken(struct vm *vm, struct ticks_waiting before)
{
    vtime_t pit = before.lines & LINE_PIT ? pit_taken(vm) : 0;
    vtime_t lapic = before.lapic ? lapic_taken(vm) : 0;
    vtime_t hpet = before.lines & LINE_HPET ? machine_hpet_taken(vm) : 0;
    return pit != 0 ? pit : lapic != 0 ? lapic : hpet;
}
