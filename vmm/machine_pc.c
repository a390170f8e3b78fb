// SPDX-License-Identifier: MIT
// The PC: which device answers which port, how each one's output is wired, and how the timer queue follows them.
// Devices are pure and know nothing of each other; every wire between two of them is in this file.
//
// A device is settled after each use: its interrupt lines are routed, the tick policy decides about its expiries, and
// its next deadline is queued. While a timer's interrupt is on its line and the guest has not taken it, further
// expiries change nothing that the guest can see before it does, so the timer is off the queue: they are counted,
// exactly, when it is next looked at. So are those that come while a tick waits for its time (tick=delay). No period a
// guest can choose makes the monitor work more than once per interrupt taken.
#include <string.h>

#include "arch/arch.h"
#include "time/ratio.h"
#include "vmm/console.h"
#include "vmm/report.h"
#include "vmm/vm.h"

#define IRQ_PIT  0u
#define IRQ_UART 4u
#define IRQ_SCI  9u

#define UART_BASE 0x3f8
#define PORTS     0x1000u // no device of this machine is above

struct port_range {
    uint16_t first, last;
    uint8_t  device;
};

static const struct port_range port_ranges[] = {
    { 0x020, 0x021, DEVICE_PIC },       { 0x040, 0x043, DEVICE_PIT },       { 0x061, 0x061, DEVICE_PORT61 },
    { 0x064, 0x064, DEVICE_DEBUGEXIT }, { 0x092, 0x092, DEVICE_DEBUGEXIT }, { 0x0a0, 0x0a1, DEVICE_PIC },
    { 0x0e9, 0x0e9, DEVICE_DEBUGEXIT }, { 0x0f4, 0x0f7, DEVICE_DEBUGEXIT }, { 0x3f8, 0x3ff, DEVICE_UART },
    { 0x4d0, 0x4d1, DEVICE_PIC },       { 0x510, 0x511, DEVICE_FWCFG },     { 0x600, 0x60b, DEVICE_PM },
    { 0xcf8, 0xcff, DEVICE_PCI },
};

static uint8_t port_device[PORTS]; // enum device_id, DEVICE_COUNT: nobody. The same for every VM

static const struct {
    const struct device_ops *ops;
    size_t                   offset;
} devices[DEVICE_COUNT] = {
    [DEVICE_PIT] = { &pit_ops, offsetof(struct machine, pit) },
    [DEVICE_PORT61] = { &port61_ops, offsetof(struct machine, pit) },
    [DEVICE_LAPIC] = { &lapic_ops, offsetof(struct machine, lapic) },
    [DEVICE_PM] = { &pmtimer_ops, offsetof(struct machine, pm) },
    [DEVICE_UART] = { &uart_ops, offsetof(struct machine, uart) },
    [DEVICE_PIC] = { &pic_ops, offsetof(struct machine, pic) },
    [DEVICE_DEBUGEXIT] = { &debugexit_ops, offsetof(struct machine, debugexit) },
    [DEVICE_FWCFG] = { &fwcfg_ops, offsetof(struct machine, fwcfg) },
    [DEVICE_PCI] = { &pcihost_ops, offsetof(struct machine, pci) },
};

static void *device_at(struct machine *machine, enum device_id id)
{
    return (uint8_t *)machine + devices[id].offset;
}

void machine_init(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    memset(port_device, DEVICE_COUNT, sizeof(port_device));
    for (size_t i = 0; i < sizeof(port_ranges) / sizeof(port_ranges[0]); i++)
        memset(port_device + port_ranges[i].first, port_ranges[i].device,
               (size_t)(port_ranges[i].last - port_ranges[i].first + 1));

    uint64_t hz = vm->vtime.hz;
    pit_init(&machine->pit, hz);
    lapic_init(&machine->lapic, 0, true);
    lapic_virtual_wire(&machine->lapic); // as a PC's firmware leaves it: the 8259 reaches the CPU
    pic_init(&machine->pic);
    pmtimer_init(&machine->pm, hz);
    uart_init(&machine->uart, UART_BASE, hz);
    debugexit_init(&machine->debugexit);
    fwcfg_init(&machine->fwcfg, vm->ram.size, vm->config.vcpus);
    pcihost_init(&machine->pci);

    timerq_init(&machine->timers);
    machine->limit = (struct timer){ .rank = DEVICE_TIMED_COUNT };
    timerq_set(&machine->timers, &machine->limit, vm->limit);
    for (unsigned i = 0; i < DEVICE_TIMED_COUNT; i++)
        machine->timer[i] = (struct timer){ .rank = i, .owner = i };
    ticks_init(&machine->pit_tick.ticks, vm->config.tick);
    ticks_init(&machine->lapic_tick.ticks, vm->config.tick);
    for (unsigned i = 0; i < DEVICE_COUNT; i++)
        machine_settle(vm, (enum device_id)i);
}

// --- ticks: from a device's expiries to interrupts on the line ------------------------------------------------------

static void settle_pic(struct machine *machine)
{
    machine->extint = pic_output(&machine->pic);
}

static void set_irq(struct machine *machine, unsigned irq, bool level)
{
    if (level == ((machine->irq_levels >> irq) & 1))
        return;
    machine->irq_levels ^= (uint16_t)(1u << irq);
    pic_set_irq(&machine->pic, irq, level);
    settle_pic(machine);
}

static bool pit_line_free(const struct machine *machine)
{
    return !pic_waiting(&machine->pic, IRQ_PIT);
}

static void pit_raise(struct machine *machine)
{
    set_irq(machine, IRQ_PIT, true);
    set_irq(machine, IRQ_PIT, false);
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
    enum timer_id id;
    bool (*line_free)(const struct machine *machine);
    void (*raise)(struct machine *machine);
};

static const struct tick_wiring pit_wiring = { TIMER_PIT, pit_line_free, pit_raise };
static const struct tick_wiring lapic_wiring = { TIMER_LAPIC, lapic_line_free, lapic_raise_tick };

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
        vm_trace(vm, TRACE_DUE, wiring->id, vm->vcpu.last_t1, expiries, machine->firing);
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

// The guest took this timer's interrupt: its lateness is known now.
static void tick_taken(struct vm *vm, struct tick_source *source, enum timer_id id)
{
    if (source->on_line && source->due != TIME_NEVER)
        histogram_add(&vm->vcpu.stats.timer[id].lateness, vm->vtime.now - source->due);
    source->on_line = false;
}

// --- settling: after a device was used, its outputs reach the others ------------------------------------------------

static void rearm(struct vm *vm, enum device_id id, vtime_t deadline)
{
    struct machine *machine = &vm->machine;
    if (machine->timer[id].deadline != deadline || !timer_queued(&machine->timer[id]))
        timerq_set(&machine->timers, &machine->timer[id], deadline);
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
static void settle_pit(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    bool ticks = (machine->pit.irq0.rises | machine->pit.irq0_restarted | machine->pit_tick.ticks.pending) != 0;
    vtime_t retry = ticks ? settle_pit_ticks(vm) : TIME_NEVER;
    vtime_t next = pit_line_free(machine) ? pit_ops.next_deadline(&machine->pit) : TIME_NEVER;
    rearm(vm, DEVICE_PIT, retry != TIME_NEVER ? retry : next);
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

static void settle_lapic(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    const struct lapic_timer *timer = &machine->lapic.timer;
    bool ticks = (timer->restarted | timer->expired | machine->lapic_tick.ticks.pending) != 0;
    vtime_t retry = ticks ? settle_lapic_ticks(vm) : TIME_NEVER;
    vtime_t next = lapic_line_free(machine) ? lapic_ops.next_deadline(&machine->lapic) : TIME_NEVER;
    rearm(vm, DEVICE_LAPIC, retry != TIME_NEVER ? retry : next);
}

static void settle_pm(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    set_irq(machine, IRQ_SCI, machine->pm.sci.level != 0);
    irq_line_take_rises(&machine->pm.sci);
    if (pmtimer_power_off(&machine->pm))
        vm_end(vm, VM_POWER_OFF, 0, "power off");
    rearm(vm, DEVICE_PM, pmtimer_ops.next_deadline(&machine->pm));
}

static void settle_uart(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint8_t byte;
    while (uart_take_tx(&machine->uart, &byte))
        console_put(vm, byte);
    set_irq(machine, IRQ_UART, machine->uart.irq.level != 0);
    irq_line_take_rises(&machine->uart.irq);
    rearm(vm, DEVICE_UART, uart_ops.next_deadline(&machine->uart));
}

static void settle_debugexit(struct vm *vm)
{
    struct debugexit *device = &vm->machine.debugexit;
    uint8_t byte;
    while (debugexit_take_char(device, &byte))
        console_put(vm, byte);
    if (device->request == REQUEST_EXIT)
        vm_end(vm, VM_EXITED, device->value, "debug exit");
    else if (device->request == REQUEST_RESET)
        vm_end(vm, VM_RESET, 0, "reset");
}

void machine_settle(struct vm *vm, enum device_id id)
{
    switch (id) {
    case DEVICE_PIC: // a new initialisation can free IRQ 0
        settle_pit(vm);
        settle_pic(&vm->machine);
        break;
    case DEVICE_PIT:
    case DEVICE_PORT61: settle_pit(vm); break;
    case DEVICE_LAPIC: settle_lapic(vm); break;
    case DEVICE_PM: settle_pm(vm); break;
    case DEVICE_UART: settle_uart(vm); break;
    case DEVICE_DEBUGEXIT: settle_debugexit(vm); break;
    case DEVICE_FWCFG:
    case DEVICE_PCI:
    case DEVICE_COUNT: break;
    }
}

// --- what the guest and the run loop do with the machine ------------------------------------------------------------

static void access(struct vm *vm, enum device_id id, struct io_access *io)
{
    vm->machine.firing = vm->vtime.now;
    if (devices[id].ops->access(device_at(&vm->machine, id), io, vm->vtime.now) == IO_UNCLAIMED && !io->is_write)
        io->value = UINT64_MAX;
    machine_settle(vm, id);
}

void machine_port(struct vm *vm, struct io_access *io)
{
    unsigned id = io->offset < PORTS ? port_device[io->offset] : DEVICE_COUNT;
    if (id == DEVICE_UART)
        console_poll(vm);
    if (id < DEVICE_COUNT)
        access(vm, (enum device_id)id, io);
    else if (!io->is_write)
        io->value = UINT64_MAX;
}

void machine_mmio(struct vm *vm, gpa address, struct io_access *io)
{
    const struct lapic *lapic = &vm->machine.lapic;
    io->offset = address.value - lapic_mmio_base(lapic);
    if (lapic_mmio_enabled(lapic) && io->offset < PAGE_SIZE)
        access(vm, DEVICE_LAPIC, io);
    else if (!io->is_write)
        io->value = UINT64_MAX;
}

void machine_run_timers(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    const struct timer *due;
    while ((due = timerq_pop_due(&machine->timers, vm->vtime.now)) != NULL) {
        enum device_id id = (enum device_id)due->owner;
        if (due == &machine->limit) {
            vm_end_at_limit(vm);
            return;
        }
        machine->firing = due->deadline;
        devices[id].ops->advance(device_at(machine, id), due->deadline);
        machine_settle(vm, id);
    }
}

bool machine_console_input(struct vm *vm, uint8_t byte)
{
    uart_ops.advance(&vm->machine.uart, vm->vtime.now); // the receive timeout starts at this moment
    bool taken = uart_push_rx(&vm->machine.uart, byte);
    settle_uart(vm);
    return taken;
}

static bool extint_pending(const struct machine *machine)
{
    return machine->extint && lapic_accepts_extint(&machine->lapic);
}

bool machine_interrupt_pending(const struct vm *vm)
{
    return lapic_pending_vector(&vm->machine.lapic) >= 0 || extint_pending(&vm->machine);
}

// An interrupt was taken: timers that were off the queue because it was on the line count what has expired meanwhile.
static void resume_timer(struct vm *vm, enum device_id id)
{
    vm->machine.firing = vm->vtime.now;
    devices[id].ops->advance(device_at(&vm->machine, id), vm->vtime.now);
    machine_settle(vm, id);
}

// The acknowledge cycle of `vector` is over; `was_tick`: this timer's tick was on its line before. Returns the tick's
// deadline when it was the one that was taken, else 0.
static vtime_t acknowledged(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring,
                            enum device_id id, bool was_tick)
{
    if (!was_tick || !wiring->line_free(&vm->machine))
        return 0;
    vtime_t due = source->due;
    tick_taken(vm, source, wiring->id);
    resume_timer(vm, id);
    return due;
}

// The 8259's interrupt bypasses the APIC's priorities, as its INTR pin does.
unsigned machine_acknowledge(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    unsigned vector;
    vtime_t due;
    if (extint_pending(machine)) {
        bool was_tick = !pit_line_free(machine);
        vector = pic_acknowledge(&machine->pic);
        settle_pic(machine);
        due = acknowledged(vm, &machine->pit_tick, &pit_wiring, DEVICE_PIT, was_tick);
    } else {
        bool was_tick = !lapic_line_free(machine);
        vector = (unsigned)lapic_pending_vector(&machine->lapic);
        lapic_accept(&machine->lapic, vector);
        due = acknowledged(vm, &machine->lapic_tick, &lapic_wiring, DEVICE_LAPIC, was_tick);
    }
    vm_trace(vm, TRACE_INJECT, vector, vm->vcpu.last_t1, 0, due);
    return vector;
}

bool machine_take_nmi(struct vm *vm)
{
    return lapic_take_nmi(&vm->machine.lapic);
}

// The PM timer shows 24 bits; those above are what V says they must be, so a wrong low part shows as a difference.
unsigned machine_clocks(struct vm *vm, struct clock_reading *out)
{
    struct io_access read = { .offset = PMTIMER_PORT + 8, .size = 4 };
    pmtimer_ops.access(&vm->machine.pm, &read, vm->vtime.now);
    uint64_t whole = mul_div_floor(vm->vtime.now, PMTIMER_HZ, vm->vtime.hz);
    out[0] = (struct clock_reading){ "PM timer", PMTIMER_HZ, (whole & ~UINT64_C(0xffffff)) | read.value };
    return 1;
}
