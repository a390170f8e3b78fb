// SPDX-License-Identifier: MIT
// The PC's HPET and RTC on the board: which interrupt lines they have, and the 8254's and the RTC's lines that change
// hands when the guest asks the HPET for legacy replacement (IA-PC HPET specification 1.0a, 2.3.5).
//
// An edge-triggered timer of the HPET makes ticks like the 8254's, with the same policy and the same bound. A level and
// the RTC's interrupt stay up until the guest has seen to them, and expiries meanwhile change nothing: the devices ask
// for no deadline then.
#include "vmm/machine_pc_wiring.h"

#define ISA_LINES  16u
#define HPET_LINES 0x00f00101u // all that the HPET can have

static bool hpet_line_free(const struct machine *machine, unsigned timer)
{
    uint32_t line = hpet_line(&machine->hpet, timer);
    return line == HPET_NO_LINE || !machine_irq_waiting(machine, line, machine->hpet_tick[timer].open);
}

static void hpet_raise(struct machine *machine, unsigned timer)
{
    unsigned line = hpet_line(&machine->hpet, timer);
    machine_set_irq(machine, line, true);
    machine_set_irq(machine, line, false);
}

static bool line_0_free(const struct machine *machine) { return hpet_line_free(machine, 0); }
static bool line_1_free(const struct machine *machine) { return hpet_line_free(machine, 1); }
static void raise_0(struct machine *machine) { hpet_raise(machine, 0); }
static void raise_1(struct machine *machine) { hpet_raise(machine, 1); }

static const struct tick_wiring hpet_wiring[HPET_TIMERS] = {
    { TIMER_HPET_0, DEVICE_HPET, line_0_free, raise_0 },
    { TIMER_HPET_1, DEVICE_HPET, line_1_free, raise_1 },
};

// The past is booked as the line was then: its route, and whether it was free.
static uint32_t follow_route(struct vm *vm, unsigned i, uint32_t rises)
{
    struct tick_source *source = &vm->machine.hpet_tick[i];
    uint32_t line = hpet_line(&vm->machine.hpet, i);
    bool open = line != HPET_NO_LINE && machine_irq_open(&vm->machine, line);
    if (open == source->open && !source->busy)
        return rises;
    machine_tick_book(vm, source, &hpet_wiring[i], rises, false);
    source->open = open;
    return 0;
}

static bool hpet_unheard(const struct machine *machine, unsigned i)
{
    uint32_t line = hpet_line(&machine->hpet, i);
    return line == HPET_NO_LINE || machine_irq_unheard(machine, line);
}

// One timer's ticks. Returns when it wants to be looked at next.
static vtime_t settle_hpet_timer(struct vm *vm, unsigned i)
{
    struct machine *machine = &vm->machine;
    struct tick_source *source = &machine->hpet_tick[i];
    uint32_t stale;
    if (hpet_take_restart(&machine->hpet, i, &stale))
        machine_tick_forget(source, stale);
    uint32_t rises = irq_line_take_rises(&machine->hpet.timer[i].irq);
    if (hpet_level_triggered(&machine->hpet, i))
        return hpet_timer_deadline(&machine->hpet, i);
    rises = follow_route(vm, i, rises);
    if (hpet_unheard(machine, i)) {
        machine_tick_book(vm, source, &hpet_wiring[i], rises, false);
        source->busy = true;
        return TIME_NEVER;
    }
    uint64_t period = hpet_period_cycles(&machine->hpet, i);
    vtime_t retry = machine_tick_settle(vm, source, &hpet_wiring[i], rises, period);
    source->busy = !hpet_line_free(machine, i);
    if (source->busy) {
        machine->hpet_busy |= (uint8_t)(1u << i);
        return TIME_NEVER;
    }
    return retry != TIME_NEVER ? retry : hpet_timer_deadline(&machine->hpet, i);
}

static void settle_hpet_levels(struct machine *machine)
{
    uint32_t up = 0, lines = machine->hpet_legacy ? HPET_LINES : HPET_LINES & ~((1u << ISA_LINES) - 1);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        if (machine->hpet.timer[i].irq.level && hpet_line(&machine->hpet, i) != HPET_NO_LINE)
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
    machine_advance(vm, DEVICE_PIT, vm->vtime.now);
    machine_advance(vm, DEVICE_RTC, vm->vtime.now);
    machine_settle(vm, DEVICE_PIT);
    machine_set_irq(machine, IRQ_PIT, false);
    machine_set_irq(machine, IRQ_RTC, false);
    machine->hpet_legacy = !machine->hpet_legacy;
    machine_settle(vm, DEVICE_PIT);
    machine_settle(vm, DEVICE_RTC);
}

// A clock source's reads of the counter change nothing here.
void settle_hpet(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    vtime_t next = TIME_NEVER;
    if (!hpet_take_changed(&machine->hpet))
        return;
    if (hpet_legacy(&machine->hpet) != machine->hpet_legacy)
        change_hands(vm);
    machine->hpet_busy = 0;
    for (unsigned i = 0; i < HPET_TIMERS; i++) {
        vtime_t deadline = settle_hpet_timer(vm, i);
        next = deadline < next ? deadline : next;
    }
    settle_hpet_levels(machine);
    machine_rearm(vm, DEVICE_HPET, next);
}

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

vtime_t machine_hpet_taken(struct vm *vm, uint8_t busy_before)
{
    struct machine *machine = &vm->machine;
    vtime_t due = 0;
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        if (busy_before >> i & 1 && machine->hpet_tick[i].on_line)
            due = latest(due, machine_tick_taken(vm, &machine->hpet_tick[i], &hpet_wiring[i]));
    machine_hpet_reroute(vm); // a line can have been busy with another's interrupt
    return due;
}

void settle_rtc(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    irq_line_take_rises(&machine->rtc.irq);
    if (!machine->hpet_legacy)
        machine_set_irq(machine, IRQ_RTC, machine->rtc.irq.level != 0);
    machine_rearm(vm, DEVICE_RTC, machine->hpet_legacy ? TIME_NEVER : rtc_ops.next_deadline(&machine->rtc));
}
