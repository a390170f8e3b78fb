// SPDX-License-Identifier: MIT
// The PC's HPET and RTC on the board: which interrupt lines they have, and the 8254's and the RTC's lines that change
// hands when the guest asks the HPET for legacy replacement (IA-PC HPET specification 1.0a, 2.3.5).
//
// An edge-triggered timer of the HPET makes ticks like the 8254's, with the same policy and the same bound. A level and
// the RTC's interrupt stay up until the guest has seen to them, and expiries meanwhile change nothing: the devices ask
// for no deadline then. Two timers on one line are one wire, up while one of them is.
#include "vmm/pc/wiring.h"

#define ISA_LINES  16u
#define HPET_LINES 0x00f00101u // all that the HPET can have

// Only an 8259 wants to see an edge-triggered timer's output until it has taken the edge. On the pins of the PCI bus,
// which rest high, it is a pulse, so that it comes at its time whatever polarity the guest has chosen for the pin.
static bool is_pulse(const struct machine *machine, unsigned i)
{
    return !hpet_level_triggered(&machine->hpet, i) && hpet_line(&machine->hpet, i) >= ISA_LINES;
}

static struct tick_line line_of(const struct machine *machine, unsigned i)
{
    const struct hpet *hpet = &machine->hpet;
    return (struct tick_line){ TIMER_HPET_0 + i, hpet_line(hpet, i),
                               hpet->timer[i].irq.level != 0 || is_pulse(machine, i), hpet_period_cycles(hpet, i) };
}

// What the line shows of this timer.
static bool wire_of(const struct machine *machine, unsigned i)
{
    bool level = machine->hpet.timer[i].irq.level != 0;
    if (hpet_level_triggered(&machine->hpet, i))
        return level;
    return !is_pulse(machine, i) && machine_tick_wire(&machine->hpet_tick[i], level);
}

// Does another timer keep the same line up?
static bool is_shared(const struct machine *machine, unsigned i, unsigned irq)
{
    for (unsigned other = 0; other < HPET_TIMERS; other++)
        if (other != i && hpet_line(&machine->hpet, other) == irq && wire_of(machine, other))
            return true;
    return false;
}

// A level-triggered timer has no ticks, and a timer without a line, or with one that is up, none that anybody sees.
static void send_hpet_edges(struct vm *vm, unsigned i, vtime_t at)
{
    struct machine *machine = &vm->machine;
    struct tick_source *source = &machine->hpet_tick[i];
    struct tick_line line = line_of(machine, i);
    uint32_t stale = 0;
    if (hpet_take_restart(&machine->hpet, i, &stale))
        ticks_cancel(&source->ticks);
    uint32_t rises = stale + irq_line_take_rises(&machine->hpet.timer[i].irq);
    if (hpet_level_triggered(&machine->hpet, i))
        machine_tick_off(source, 0);
    else if (line.irq == HPET_NO_LINE)
        machine_tick_off(source, rises);
    else if (is_shared(machine, i, line.irq))
        ticks_lose(&source->ticks, rises);
    else
        machine_tick_edges(vm, source, &line, rises, at);
}

// Returns when the timer wants to be looked at next.
static vtime_t rest_of_hpet(struct vm *vm, unsigned i, vtime_t at)
{
    struct machine *machine = &vm->machine;
    struct tick_source *source = &machine->hpet_tick[i];
    struct tick_line line = line_of(machine, i);
    vtime_t match = hpet_timer_deadline(&machine->hpet, i);
    if (line.irq == HPET_NO_LINE || hpet_level_triggered(&machine->hpet, i))
        return line.irq == HPET_NO_LINE ? TIME_NEVER : match;
    vtime_t retry = machine_tick_rest(vm, source, &line, at);
    vtime_t fall = source->falls ? hpet_timer_fall(&machine->hpet, i) : TIME_NEVER;
    if (retry != TIME_NEVER || source->asleep)
        return retry;
    return match < fall ? match : fall;
}

// The lines below 16 are the HPET's under legacy replacement alone; else they are the 8254's and the RTC's.
static void settle_hpet_levels(struct machine *machine)
{
    uint32_t up = 0, lines = machine->hpet_legacy ? HPET_LINES : HPET_LINES & ~((1u << ISA_LINES) - 1);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        if (hpet_line(&machine->hpet, i) != HPET_NO_LINE && wire_of(machine, i))
            up |= 1u << hpet_line(&machine->hpet, i);
    for (lines &= up ^ machine->irq_levels; lines != 0; lines &= lines - 1) {
        unsigned line = (unsigned)__builtin_ctz(lines);
        machine_set_irq(machine, line, up >> line & 1);
    }
}

// Both lines are let go by the one that had them; what the 8254 did while it was off its line is forgotten.
static void change_hands(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    machine_pit_output(vm);
    machine_advance(vm, DEVICE_RTC, vm->vtime.now);
    machine_set_irq(machine, IRQ_PIT, false);
    machine_set_irq(machine, IRQ_RTC, false);
    machine->hpet_legacy = !machine->hpet_legacy;
    machine_pit_output(vm);
    machine_settle(vm, DEVICE_RTC);
}

// A clock source's reads of the counter change nothing here.
void settle_hpet(struct vm *vm, vtime_t at)
{
    struct machine *machine = &vm->machine;
    vtime_t next = TIME_NEVER;
    if (!hpet_take_changed(&machine->hpet))
        return;
    if (hpet_legacy(&machine->hpet) != machine->hpet_legacy)
        change_hands(vm);
    if (at < vm->vtime.now)
        hpet_ops.advance(&machine->hpet, vm->vtime.now);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        send_hpet_edges(vm, i, at);
    settle_hpet_levels(machine);
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        vtime_t deadline = rest_of_hpet(vm, i, at);
        next = deadline < next ? deadline : next;
    }
    machine_tick_set_busy(machine, LINE_HPET, machine->hpet_tick[0].busy || machine->hpet_tick[1].busy);
    settle_hpet_levels(machine);
    machine_rearm(vm, DEVICE_HPET, next);
}

// A timer that makes no interrupts has nothing to bring up to date.
void machine_hpet_reroute(struct vm *vm)
{
    if (!hpet_interrupting(&vm->machine.hpet))
        return;
    machine_advance(vm, DEVICE_HPET, vm->vtime.now);
    machine_settle(vm, DEVICE_HPET);
}

static vtime_t latest(vtime_t a, vtime_t b)
{
    return a > b ? a : b;
}

// Two timers on one line go with one acknowledge cycle; the later of their deadlines is the answer.
vtime_t machine_hpet_taken(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    vtime_t due = 0;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        uint32_t line = hpet_line(&machine->hpet, i);
        bool waiting = line == HPET_NO_LINE || machine_irq_state(machine, line).waiting;
        due = latest(due, machine_tick_taken(vm, &machine->hpet_tick[i], TIMER_HPET_0 + i, waiting));
    }
    machine_hpet_reroute(vm); // a line can have been busy with another's interrupt
    return due;
}

// A level, until the guest reads register C (MC146818, "Interrupts"). Under legacy replacement it has no line, and so
// no deadline.
void settle_rtc(struct vm *vm, vtime_t at)
{
    (void)at;
    struct machine *machine = &vm->machine;
    irq_line_take_rises(&machine->rtc.irq);
    if (!machine->hpet_legacy)
        machine_set_irq(machine, IRQ_RTC, machine->rtc.irq.level != 0);
    machine_rearm(vm, DEVICE_RTC, machine->hpet_legacy ? TIME_NEVER : rtc_ops.next_deadline(&machine->rtc));
}
