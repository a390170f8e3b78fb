// SPDX-License-Identifier: MIT
// The arm64 guest's board: which device answers which memory, what its outputs do, and how the timer queue follows it.
// Devices are pure and know nothing of each other; every wire between two of them is here or in virt/timer.c.
//
// A device is settled after each use: its interrupt lines go to the interrupt controller, and its next deadline is
// queued.
#include "arch/arm64/host/board.h"
#include "arch/arm64/host/gic.h"
#include "arch/arm64/host/timertrial.h"
#include "vmm/virt/wiring.h"
#include "vmm/show/report.h"

static void settle_rtc(struct vm *vm, vtime_t at, bool fired);
static void settle_uart(struct vm *vm, vtime_t at, bool fired);

static void settle_nothing(struct vm *vm, vtime_t at, bool fired)
{
    (void)vm, (void)at, (void)fired;
}

// A device without operations is no memory: its registers are the CPU's.
static const struct {
    const struct device_ops *ops;
    size_t                   offset; // in struct machine
    uint64_t                 base, size;
    void (*settle)(struct vm *vm, vtime_t at, bool fired); // see wiring.h
} devices[DEVICE_COUNT] = {
    [DEVICE_VIRTUAL_TIMER] = { .settle = settle_virtual_timer },
    [DEVICE_PHYSICAL_TIMER] = { .settle = settle_physical_timer },
    [DEVICE_RTC] = { &pl031_ops, offsetof(struct machine, rtc), VIRT_RTC, PL031_SIZE, settle_rtc },
    [DEVICE_UART] = { &pl011_ops, offsetof(struct machine, uart), VIRT_UART, PL011_SIZE, settle_uart },
    [DEVICE_GICD] = { &vgicd_ops, offsetof(struct machine, gic), VIRT_GICD, VGICD_SIZE, settle_nothing },
    [DEVICE_GICR] = { &vgicr_ops, offsetof(struct machine, gic), VIRT_GICR, VGICR_SIZE * VGIC_CPUS, settle_nothing },
};

_Static_assert(TIMER_COUNT <= STATS_TIMERS_MAX, "each timer has its figures");

static void *device_at(struct machine *machine, enum device_id id)
{
    return (uint8_t *)machine + devices[id].offset;
}

void machine_init(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint64_t hz = vm->vtime.hz;
    vgic_init(&machine->gic, hostgic_version(), vm->config.vcpus);
    vgic_set_hw(&machine->gic, 0, INTID_VIRTUAL_TIMER, board()->timer_virtual_intid);
    gtimer_init(&machine->gtimer);
    machine->counter_start = timertrial_leads() ? COUNTER_LEAD : 0;
    machine->virtual_seen = machine->counter_start;
    pl011_init(&machine->uart, hz);
    pl031_init(&machine->rtc, hz, vm->wall_start_s + (uint64_t)vm->config.rtc_offset_s);
    machine->status = (struct statusline){ 0 };

    timerq_init(&machine->timers);
    machine->limit = (struct timer){ .rank = DEVICE_TIMED_COUNT };
    timerq_set(&machine->timers, &machine->limit, vm->limit);
    for (unsigned i = 0; i < DEVICE_TIMED_COUNT; i++)
        machine->timer[i] = (struct timer){ .rank = i, .owner = i };
    for (unsigned i = 0; i < TIMER_COUNT; i++) {
        machine->tick[i] = (struct tick_source){ 0 };
        ticks_init(&machine->tick[i].ticks, vm->config.tick);
    }
    for (unsigned i = 0; i < DEVICE_COUNT; i++)
        devices[i].settle(vm, vm->vtime.now, false);
}

// --- settling: after a device was used, its outputs reach the others ------------------------------------------------

void machine_rearm(struct vm *vm, enum device_id id, vtime_t deadline)
{
    timerq_set(&vm->machine.timers, &vm->machine.timer[id], deadline);
}

// The rises count: one between two looks is a pulse for an input that is configured edge-triggered.
static void follow_line(struct vm *vm, unsigned intid, struct irq_line *line)
{
    struct vgic *gic = &vm->machine.gic;
    if (irq_line_take_rises(line) != 0) {
        vgic_set_line(gic, 0, intid, false);
        vgic_set_line(gic, 0, intid, true);
    }
    vgic_set_line(gic, 0, intid, line->level != 0);
}

static void settle_rtc(struct vm *vm, vtime_t at, bool fired)
{
    (void)fired;
    struct pl031 *rtc = &vm->machine.rtc;
    machine_tick_follow(vm, TIMER_RTC, rtc->irq.level != 0, at);
    follow_line(vm, INTID_RTC, &rtc->irq);
    machine_rearm(vm, DEVICE_RTC, pl031_ops.next_deadline(rtc));
}

// Only the receive timeout is a timer's interrupt.
static void settle_uart(struct vm *vm, vtime_t at, bool fired)
{
    struct machine *machine = &vm->machine;
    uint8_t byte;
    while (pl011_take_tx(&machine->uart, &byte)) {
        statusline_byte(&machine->status, byte);
        console_put(vm, byte);
    }
    if (fired || machine->uart.irq.level == 0)
        machine_tick_follow(vm, TIMER_UART, machine->uart.irq.level != 0, at);
    follow_line(vm, INTID_UART, &machine->uart.irq);
    machine_rearm(vm, DEVICE_UART, pl011_ops.next_deadline(&machine->uart));
}

// --- what the guest and the run loop do with the machine ------------------------------------------------------------

// Who answers at a guest-physical address, DEVICE_COUNT for nobody. The interrupt controller, which is used most, is
// the last of the table.
static enum device_id device_of(uint64_t address)
{
    for (unsigned i = DEVICE_COUNT; i-- != 0;)
        if (address - devices[i].base < devices[i].size)
            return (enum device_id)i;
    return DEVICE_COUNT;
}

// ISPENDR to ICACTIVER, in the distributor and in each redistributor's second page, and the SGIs of a GICv2.
static bool shows_state(uint64_t offset)
{
    offset &= VGICD_SIZE - 1;
    return offset - 0x200 < 0x200 || offset - 0xf10 < 0x20;
}

bool machine_touches_interrupts(gpa address, bool is_write)
{
    enum device_id id = device_of(address.value);
    return (id == DEVICE_GICD || id == DEVICE_GICR) && (is_write || shows_state(address.value - devices[id].base));
}

bool machine_has_device(const struct vm *vm, gpa address)
{
    enum device_id id = device_of(address.value);
    return id != DEVICE_COUNT && (id != DEVICE_GICR || vm->machine.gic.version >= 3);
}

bool machine_read_settings(struct vm *vm, gpa address, struct io_access *io)
{
    io->offset = address.value - VIRT_GICD;
    return machine_has_settings(address) && !shows_state(io->offset) &&
           vgicd_ops.access(&vm->machine.gic, io, vm->vtime.now) != IO_UNCLAIMED;
}

bool machine_mmio(struct vm *vm, gpa address, struct io_access *io)
{
    struct machine *machine = &vm->machine;
    enum device_id id = device_of(address.value);
    if (!machine_has_device(vm, address))
        return false;
    if (id == DEVICE_UART)
        console_poll(vm);
    io->offset = address.value - devices[id].base;
    if (devices[id].ops->access(device_at(machine, id), io, vm->vtime.now) == IO_UNCLAIMED)
        return false;
    devices[id].settle(vm, vm->vtime.now, false);
    return true;
}

void machine_run_timers(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    const struct timer *due;
    while ((due = timerq_pop_due(&machine->timers, vm->vtime.now)) != NULL) {
        if (due == &machine->limit) {
            vm_end_at_limit(vm);
            break;
        }
        enum device_id id = (enum device_id)due->owner;
        vtime_t deadline = due->deadline;
        if (devices[id].ops != NULL)
            devices[id].ops->advance(device_at(machine, id), deadline);
        devices[id].settle(vm, deadline, true);
    }
}

// What is pending competes anew for the list registers; there is no acknowledge cycle here and no vector.
bool machine_interrupt_pending(struct vm *vm)
{
    return !machine_quiet(&vm->machine);
}

unsigned machine_acknowledge(struct vm *vm)
{
    (void)vm;
    return 0;
}

bool machine_take_nmi(struct vm *vm)
{
    (void)vm;
    return false;
}

bool machine_nmi_routed(const struct vm *vm)
{
    (void)vm;
    return false;
}

bool machine_console_input(struct vm *vm, uint8_t byte)
{
    struct pl011 *uart = &vm->machine.uart;
    pl011_ops.advance(uart, vm->vtime.now); // the receive timeout starts at this moment
    bool taken = pl011_push_rx(uart, byte);
    settle_uart(vm, vm->vtime.now, false);
    return taken;
}

void machine_sgi(struct vm *vm, uint64_t icc_sgi1r)
{
    vgic_sgi(&vm->machine.gic, 0, icc_sgi1r);
}

void machine_power_off(struct vm *vm)
{
    const struct statusline *status = &vm->machine.status;
    if (status->known)
        vm_end(vm, VM_STATUS, status->status, "power off, with a status on its console");
    else
        vm_end(vm, VM_POWER_OFF, 0, "power off");
}

void machine_reset(struct vm *vm)
{
    vm_end(vm, VM_RESET, 0, "a reset by the guest");
}

// The board has no screen, and so no keyboard.
enum machine_screen machine_screen(const struct vm *vm, struct text_layout *layout, const uint8_t **window)
{
    (void)vm, (void)layout, (void)window;
    return SCREEN_NONE;
}

bool machine_key_input(struct vm *vm, const struct key *key)
{
    (void)vm, (void)key;
    return true;
}

// The seconds since the start, whatever the guest has loaded into the counter.
unsigned machine_clocks(struct vm *vm, struct clock_reading *out)
{
    struct pl031 *rtc = &vm->machine.rtc;
    struct io_access read = { .offset = 0, .size = 4 };
    pl031_ops.access(rtc, &read, vm->vtime.now);
    uint64_t whole = vm->vtime.now / vm->vtime.hz, high = whole & ~UINT64_C(0xffffffff);
    out[0] = (struct clock_reading){ "PL031", 1, high | (uint32_t)(read.value - rtc->offset) };
    return 1;
}

// Most guests never start the last two.
unsigned machine_timers(const struct vm *vm, struct timer_reading *out)
{
    static const char *const names[TIMER_COUNT] = { "CNTV", "CNTP", "PL031", "PL011" };
    unsigned count = 0;
    for (unsigned i = 0; i < TIMER_COUNT; i++) {
        const struct ticks *ticks = &vm->machine.tick[i].ticks;
        if (i <= TIMER_PHYSICAL || ticks->expired != 0)
            out[count++] = (struct timer_reading){ names[i], ticks, &vm->vcpu.stats.timer[i].lateness };
    }
    return count;
}
