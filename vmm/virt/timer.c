// SPDX-License-Identifier: MIT
// The generic timer on the arm64 guest's board, and every timer's ticks from the deadline to the list register.
//
// A timer here interrupts by a level that stays until the guest sees to it, so there is never more than one tick of it
// on its way, and no policy for late ones: it expired when its line rose, is injected when it goes into a list
// register, and is dropped if the line falls before that.
#include "vmm/virt/wiring.h"

static const uint8_t intid_of[TIMER_COUNT] = {
    [TIMER_VIRTUAL] = INTID_VIRTUAL_TIMER,
    [TIMER_PHYSICAL] = INTID_PHYSICAL_TIMER,
    [TIMER_RTC] = INTID_RTC,
    [TIMER_UART] = INTID_UART,
};

static void expire(struct vm *vm, enum timer_id timer, vtime_t at)
{
    struct tick_source *source = &vm->machine.tick[timer];
    ticks_expire(&source->ticks, 1, true);
    vm->machine.ticks_waiting |= 1u << timer;
    source->due = at;
    vm_trace(vm, TRACE_DUE, timer, vm->vcpu.last_t1, 1, at);
}

void machine_tick_follow(struct vm *vm, enum timer_id timer, bool level, vtime_t at)
{
    struct tick_source *source = &vm->machine.tick[timer];
    if (level == source->level)
        return;
    source->level = level;
    if (level) {
        expire(vm, timer, at);
        return;
    }
    ticks_cancel(&source->ticks);
    vm->machine.ticks_waiting &= ~(1u << timer);
}

static bool is_listed(const struct vgic *gic, unsigned intid)
{
    const struct vgic_bank *bank = &gic->bank[intid < VGIC_FIRST_SPI ? 0 : VGIC_CPUS];
    return bank->listed_pending >> (intid & 31) & 1;
}

void machine_interrupts_listed(struct vm *vm)
{
    for (uint32_t waiting = vm->machine.ticks_waiting; waiting != 0; waiting &= waiting - 1) {
        unsigned i = (unsigned)__builtin_ctz(waiting);
        struct tick_source *source = &vm->machine.tick[i];
        if (!is_listed(&vm->machine.gic, intid_of[i]))
            continue;
        ticks_take(&source->ticks, vm->vtime.now, 0);
        vm->machine.ticks_waiting &= ~(1u << i);
        histogram_add(&vm->vcpu.stats.timer[i].lateness, vm->vtime.now - source->due);
        vm_trace(vm, TRACE_INJECT, intid_of[i], vm->vcpu.last_t1, 0, source->due);
    }
}

// --- V and the guest's counter, which is ahead of it by a constant ---------------------------------------------------

uint64_t machine_counter_at(const struct machine *machine, vtime_t v)
{
    return v + machine->counter_start;
}

static uint64_t counter_now(const struct vm *vm)
{
    return machine_counter_at(&vm->machine, vm->vtime.now);
}

static vtime_t v_of_counter(const struct vm *vm, uint64_t counter)
{
    uint64_t start = vm->machine.counter_start;
    return counter < start ? 0 : counter - start;
}

static void rearm_channel(struct vm *vm, enum device_id device, unsigned channel)
{
    uint64_t counter = gtimer_deadline(&vm->machine.gtimer, channel, counter_now(vm));
    machine_rearm(vm, device, counter == TIME_NEVER ? TIME_NEVER : v_of_counter(vm, counter));
}

// --- the physical timer, which the monitor runs ---------------------------------------------------------------------

void settle_physical_timer(struct vm *vm, vtime_t at, bool fired)
{
    (void)fired;
    struct machine *machine = &vm->machine;
    bool level = gtimer_line(&machine->gtimer, GTIMER_PHYSICAL, counter_now(vm));
    machine_tick_follow(vm, TIMER_PHYSICAL, level, at);
    vgic_set_line(&machine->gic, 0, INTID_PHYSICAL_TIMER, level);
    rearm_channel(vm, DEVICE_PHYSICAL_TIMER, GTIMER_PHYSICAL);
}

uint64_t machine_timer_read(struct vm *vm, unsigned channel, enum gtimer_register reg)
{
    return gtimer_read(&vm->machine.gtimer, channel, reg, counter_now(vm));
}

void machine_timer_write(struct vm *vm, unsigned channel, enum gtimer_register reg, uint64_t value)
{
    gtimer_write(&vm->machine.gtimer, channel, reg, value, counter_now(vm));
    settle_physical_timer(vm, vm->vtime.now, false);
}

// --- the virtual timer, which the hardware runs while the guest does -------------------------------------------------

static struct gtimer_channel *virtual_channel(struct vm *vm)
{
    return &vm->machine.gtimer.channel[GTIMER_VIRTUAL];
}

static void set_virtual_channel(struct vm *vm, uint32_t ctl, uint64_t cval)
{
    *virtual_channel(vm) = (struct gtimer_channel){ .cval = cval, .ctl = ctl & (GTIMER_CTL_ENABLE | GTIMER_CTL_IMASK) };
}

// The guest moves its timer unseen, so a line that was up may be up for another reason now: another compare value is
// another tick.
static bool follow_virtual_line(struct vm *vm, vtime_t at)
{
    struct machine *machine = &vm->machine;
    uint64_t counter = counter_now(vm);
    bool level = gtimer_line(&machine->gtimer, GTIMER_VIRTUAL, counter);
    if (level && machine->counted_cval != virtual_channel(vm)->cval)
        machine_tick_follow(vm, TIMER_VIRTUAL, false, at);
    machine->counted_cval = virtual_channel(vm)->cval;
    machine->virtual_seen = counter;
    machine_tick_follow(vm, TIMER_VIRTUAL, level, at);
    vgic_set_line(&machine->gic, 0, INTID_VIRTUAL_TIMER, level);
    return level;
}

// Since when a tick that is due now has been due: since the deadline that the guest armed, whenever the hardware
// brought it. A deadline from before the last look was past when the guest armed it, because there the line was down,
// or the tick was counted.
static vtime_t virtual_due(const struct vm *vm, uint64_t cval)
{
    return cval > vm->machine.virtual_seen ? v_of_counter(vm, cval) : vm->vtime.now;
}

bool machine_timer_line(struct vm *vm, uint32_t ctl, uint64_t cval)
{
    vtime_t due = virtual_due(vm, cval);
    set_virtual_channel(vm, ctl, cval);
    return follow_virtual_line(vm, due);
}

void settle_virtual_timer(struct vm *vm, vtime_t at, bool fired)
{
    (void)fired;
    follow_virtual_line(vm, at);
    rearm_channel(vm, DEVICE_VIRTUAL_TIMER, GTIMER_VIRTUAL);
}

void machine_timer_halted(struct vm *vm, uint32_t ctl, uint64_t cval)
{
    vtime_t due = virtual_due(vm, cval);
    set_virtual_channel(vm, ctl, cval);
    settle_virtual_timer(vm, due, false);
}

void machine_timer_running(struct vm *vm)
{
    machine_rearm(vm, DEVICE_VIRTUAL_TIMER, TIME_NEVER);
}
