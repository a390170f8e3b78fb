// SPDX-License-Identifier: MIT
// The PC: which device answers which port and which memory, what its outputs do, and how the timer queue follows it.
// Devices are pure and know nothing of each other; every wire between two of them is here, in pc/irq.c
// (interrupt lines) or in pc/tick.c (the timers' ticks).
//
// A device is settled after each use: its interrupt lines are routed, the tick policy decides about its expiries, and
// its next deadline is queued.
#include <string.h>

#include "time/ratio.h"
#include "vmm/pc/bios.h"
#include "vmm/pc/wiring.h"
#include "vmm/show/report.h"

#define UART_BASE 0x3f8
#define PORTS     0x1000u // above are the test device's interrupt lines alone

// An ISA port answers by its number alone, so the whole map is a table of bytes, filled from these ranges. Later rows
// win: CF9h is the reset register, in the middle of PCI's.
struct port_range {
    uint16_t first, last;
    uint8_t  device;
};

static const struct port_range port_ranges[] = {
    { 0x020, 0x021, DEVICE_PIC },       { 0x040, 0x043, DEVICE_PIT },       { 0x060, 0x060, DEVICE_I8042 },
    { 0x061, 0x061, DEVICE_PORT61 },    { 0x064, 0x064, DEVICE_I8042 },     { 0x070, 0x071, DEVICE_RTC },
    { 0x092, 0x092, DEVICE_DEBUGEXIT }, { 0x0a0, 0x0a1, DEVICE_PIC },       { 0x0e9, 0x0e9, DEVICE_DEBUGEXIT },
    { 0x0f4, 0x0f7, DEVICE_DEBUGEXIT }, { 0x3b0, 0x3df, DEVICE_VGA },       { 0x3f8, 0x3ff, DEVICE_UART },
    { 0x4d0, 0x4d1, DEVICE_PIC },       { 0x510, 0x511, DEVICE_FWCFG },     { 0x600, 0x60b, DEVICE_PM },
    { 0xcf8, 0xcff, DEVICE_PCI },       { 0xcf9, 0xcf9, DEVICE_DEBUGEXIT },
    { TESTDEV_PORT, TESTDEV_PORT + TESTDEV_PORTS - 1, DEVICE_TESTDEV },
};

// Device memory at fixed addresses. The local APIC's page is not here: the guest can move it.
struct memory_range {
    uint64_t first, last;
    uint8_t  device;
};

static const struct memory_range memory_ranges[] = {
    { 0xfec00000, 0xfec00fff, DEVICE_IOAPIC },
    { HPET_BASE, HPET_BASE + HPET_SIZE - 1, DEVICE_HPET },
    { TESTDEV_MMIO, TESTDEV_MMIO + TESTDEV_MMIO_BYTES - 1, DEVICE_TESTDEV_MEMORY },
};

_Static_assert(TIMER_COUNT <= STATS_TIMERS_MAX, "each timer has its figures");

static uint8_t port_device[PORTS]; // enum device_id, DEVICE_COUNT: nobody. The same for every VM

static void settle_pm(struct vm *vm, vtime_t at);
static void settle_uart(struct vm *vm, vtime_t at);
static void settle_debugexit(struct vm *vm, vtime_t at);
static void settle_testdev(struct vm *vm, vtime_t at);

static void settle_nothing(struct vm *vm, vtime_t at)
{
    (void)vm, (void)at;
}

// One row a device: what answers, where its state is in struct machine, and what its outputs mean to the others.
static const struct {
    const struct device_ops *ops;
    size_t                   offset;
    void (*settle)(struct vm *vm, vtime_t at);
} devices[DEVICE_COUNT] = {
    [DEVICE_PIT] = { &pit_ops, offsetof(struct machine, pit), settle_pit },
    [DEVICE_PORT61] = { &port61_ops, offsetof(struct machine, pit), settle_pit },
    [DEVICE_LAPIC] = { &lapic_ops, offsetof(struct machine, lapic), settle_lapic },
    [DEVICE_HPET] = { &hpet_ops, offsetof(struct machine, hpet), settle_hpet },
    [DEVICE_RTC] = { &rtc_ops, offsetof(struct machine, rtc), settle_rtc },
    [DEVICE_PM] = { &pmtimer_ops, offsetof(struct machine, pm), settle_pm },
    [DEVICE_UART] = { &uart_ops, offsetof(struct machine, uart), settle_uart },
    [DEVICE_PIC] = { &pic_ops, offsetof(struct machine, pic), settle_pic },
    [DEVICE_IOAPIC] = { &ioapic_ops, offsetof(struct machine, ioapic), settle_ioapic },
    [DEVICE_DEBUGEXIT] = { &debugexit_ops, offsetof(struct machine, debugexit), settle_debugexit },
    [DEVICE_FWCFG] = { &fwcfg_ops, offsetof(struct machine, fwcfg), settle_nothing },
    [DEVICE_PCI] = { &pcihost_ops, offsetof(struct machine, pci), settle_nothing },
    [DEVICE_TESTDEV] = { &testdev_port_ops, offsetof(struct machine, testdev), settle_testdev },
    [DEVICE_TESTDEV_MEMORY] = { &testdev_memory_ops, offsetof(struct machine, testdev), settle_nothing },
    [DEVICE_VGA] = { &vga_ops, offsetof(struct machine, vga), settle_nothing },
    [DEVICE_I8042] = { &i8042_ops, offsetof(struct machine, i8042), settle_i8042 },
};

static void *device_at(struct machine *machine, enum device_id id)
{
    return (uint8_t *)machine + devices[id].offset;
}

// Of the test device's lines only those that no device of the machine drives: they keep what their own devices say.
#define FREE_LINES 0x0000ece8u // 3 5 6 7 10 11 13 14 15
#define CASCADE    0x0004u

// Firmware opens the 8259's inputs of the devices that it found, and real-mode kernels rely on that.
static void open_test_lines(struct machine *machine)
{
    uint32_t masks = ~(FREE_LINES | CASCADE);
    struct io_access master = { .offset = 0x21, .size = 1, .is_write = true, .value = masks & 0xff };
    struct io_access slave = { .offset = 0xa1, .size = 1, .is_write = true, .value = masks >> 8 & 0xff };
    pic_ops.access(&machine->pic, &master, 0);
    pic_ops.access(&machine->pic, &slave, 0);
}

// Every device counts cycles of V, from V = 0. The board is as its firmware has left it, because a guest that a loader
// starts (multiboot, Linux' boot protocol) has seen none.
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
    machine_irq_init(machine, vm->config.vcpus);
    pmtimer_init(&machine->pm, hz);
    hpet_init(&machine->hpet, hz);
    rtc_init(&machine->rtc, hz, (int64_t)vm->wall_start_s + vm->config.rtc_offset_s, vm->ram.size);
    uart_init(&machine->uart, UART_BASE, hz);
    guest_bios_set_clock(vm->ram, (int64_t)vm->wall_start_s + vm->config.rtc_offset_s);
    debugexit_init(&machine->debugexit);
    fwcfg_init(&machine->fwcfg, vm->ram.size, vm->config.vcpus);
    pcihost_init(&machine->pci);
    testdev_init(&machine->testdev, vm->config.testdev);
    if (vm->config.testdev)
        open_test_lines(machine);
    vga_init(&machine->vga, hz);
    i8042_init(&machine->i8042);

    timerq_init(&machine->timers);
    machine->limit = (struct timer){ .rank = DEVICE_TIMED_COUNT };
    timerq_set(&machine->timers, &machine->limit, vm->limit);
    for (unsigned i = 0; i < DEVICE_TIMED_COUNT; i++)
        machine->timer[i] = (struct timer){ .rank = i, .owner = i };
    machine_tick_init(vm);
    for (unsigned i = 0; i < DEVICE_COUNT; i++)
        machine_settle(vm, (enum device_id)i);
}

// --- settling: after a device was used, its outputs reach the others ------------------------------------------------

// After each use, mostly with the deadline that the queue has already: that is to cost two comparisons. A timer that
// has just fired is off the queue, and its deadline says nothing.
void machine_rearm(struct vm *vm, enum device_id id, vtime_t deadline)
{
    struct machine *machine = &vm->machine;
    bool queued = deadline == TIME_NEVER || timer_queued(&machine->timer[id]); // as it should be, deadline unchanged
    if (machine->timer[id].deadline != deadline || !queued)
        timerq_set(&machine->timers, &machine->timer[id], deadline);
}

// ACPI 4.8.3: the roll-over of the timer is told by the SCI, a level, and SLP_EN is how an operating system powers off.
static void settle_pm(struct vm *vm, vtime_t at)
{
    (void)at;
    struct machine *machine = &vm->machine;
    machine_set_irq(machine, IRQ_SCI, machine->pm.sci.level != 0);
    irq_line_take_rises(&machine->pm.sci);
    if (pmtimer_power_off(&machine->pm))
        vm_end(vm, VM_POWER_OFF, 0, "power off");
    machine_rearm(vm, DEVICE_PM, pmtimer_ops.next_deadline(&machine->pm));
}

// Sending takes no time, so what was written goes to the console now. The level is carried on, and the 8259 makes its
// edge of it.
static void settle_uart(struct vm *vm, vtime_t at)
{
    (void)at;
    struct machine *machine = &vm->machine;
    uint8_t byte;
    while (uart_take_tx(&machine->uart, &byte))
        console_put(vm, byte);
    machine_set_irq(machine, IRQ_UART, machine->uart.irq.level != 0);
    irq_line_take_rises(&machine->uart.irq);
    machine_rearm(vm, DEVICE_UART, uart_ops.next_deadline(&machine->uart));
}

// QEMU's isa-debug-exit and port E9h, which test kernels know, and the resets of ports 92h and CF9h.
static void settle_debugexit(struct vm *vm, vtime_t at)
{
    (void)at;
    struct debugexit *device = &vm->machine.debugexit;
    uint8_t byte;
    while (debugexit_take_char(device, &byte))
        console_put(vm, byte);
    if (device->request == REQUEST_EXIT)
        vm_end(vm, VM_EXITED, device->value, "debug exit");
    else if (device->request == REQUEST_RESET)
        vm_end(vm, VM_RESET, 0, "a reset by the guest");
}

// Its kernels pulse a line with interrupts off and count on an 8259 that keeps the edge, which no 8259 does: between it
// and this device's lines there is a latch.
static void settle_testdev(struct vm *vm, vtime_t at)
{
    (void)at;
    for (uint32_t left = FREE_LINES; left != 0; left &= left - 1) {
        unsigned line = (unsigned)__builtin_ctz(left);
        machine_set_held_irq(&vm->machine, line, (vm->machine.testdev.levels >> line & 1) != 0);
    }
}

void machine_settle(struct vm *vm, enum device_id id)
{
    devices[id].settle(vm, vm->vtime.now);
}

// --- what the guest and the run loop do with the machine ------------------------------------------------------------

// Nobody home: the data lines float, reads give all ones.
static void access(struct vm *vm, enum device_id id, struct io_access *io)
{
    if (devices[id].ops->access(device_at(&vm->machine, id), io, vm->vtime.now) == IO_UNCLAIMED && !io->is_write)
        io->value = UINT64_MAX;
    machine_settle(vm, id);
}

static __attribute__((noinline, cold)) unsigned device_above(uint64_t port)
{
    return port - TESTDEV_LINE_PORT < TESTDEV_LINES ? DEVICE_TESTDEV : DEVICE_COUNT;
}

// The 8259 shows and keeps what the timers' outputs have done until now. Its EOI meets only what waits.
static __attribute__((noinline)) void before_port(struct vm *vm, unsigned id, const struct io_access *io)
{
    if (id == DEVICE_UART)
        console_poll(vm);
    else if (pic_only_ends(io))
        machine_tick_look(vm);
    else
        machine_tick_reroute(vm);
}

// A guest that waits for what is typed reads the UART, so before that the console is looked at.
void machine_port(struct vm *vm, struct io_access *io)
{
    unsigned id = io->offset < PORTS ? port_device[io->offset] : device_above(io->offset);
    if (id == DEVICE_UART || id == DEVICE_PIC)
        before_port(vm, id, io);
    if (id < DEVICE_COUNT)
        access(vm, (enum device_id)id, io);
    else if (!io->is_write)
        io->value = UINT64_MAX;
}

// Who answers at a guest-physical address, DEVICE_COUNT for nobody, and which byte of the device that is. The local
// APIC comes first: a CPU's accesses to it never reach the bus.
static enum device_id memory_device(const struct machine *machine, uint64_t address, uint64_t *offset)
{
    *offset = address - lapic_mmio_base(&machine->lapic);
    if (*offset < PAGE_SIZE && lapic_mmio_enabled(&machine->lapic))
        return DEVICE_LAPIC;
    for (size_t i = 0; i < sizeof(memory_ranges) / sizeof(memory_ranges[0]); i++) {
        *offset = address - memory_ranges[i].first;
        if (*offset <= memory_ranges[i].last - memory_ranges[i].first)
            return (enum device_id)memory_ranges[i].device;
    }
    return DEVICE_COUNT;
}

// An access to an address where nothing is, is no error on a PC: a guest finds out in this way what it has.
bool machine_mmio(struct vm *vm, gpa address, struct io_access *io)
{
    enum device_id id = memory_device(&vm->machine, address.value, &io->offset);
    if (id == DEVICE_IOAPIC)
        machine_tick_reroute(vm); // what the timers' outputs have done goes the old ways
    if (id < DEVICE_COUNT)
        access(vm, id, io);
    else if (!io->is_write)
        io->value = UINT64_MAX;
    return true;
}

void machine_advance(struct vm *vm, enum device_id id, vtime_t now)
{
    devices[id].ops->advance(device_at(&vm->machine, id), now);
}

// In the order of deadlines, each device only up to its own: an output changes at its moment, and what follows from it
// is dated so. They are settled one by one, because what one output does can decide what the next one meets. The VM's
// limit= is a deadline like the others.
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
        vtime_t deadline = due->deadline;
        machine_advance(vm, id, deadline);
        devices[id].settle(vm, deadline);
    }
}

bool machine_console_input(struct vm *vm, uint8_t byte)
{
    uart_ops.advance(&vm->machine.uart, vm->vtime.now); // the receive timeout starts at this moment
    bool taken = uart_push_rx(&vm->machine.uart, byte);
    settle_uart(vm, vm->vtime.now);
    return taken;
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

// Most guests never start a timer of the HPET.
unsigned machine_timers(const struct vm *vm, struct timer_reading *out)
{
    const struct machine *machine = &vm->machine;
    const struct timer_stats *stats = vm->vcpu.stats.timer;
    const struct timer_reading timers[] = {
        { "PIT", &machine->pit_tick.ticks, &stats[TIMER_PIT].lateness },
        { "LAPIC", &machine->lapic_tick.ticks, &stats[TIMER_LAPIC].lateness },
        { "HPET 0", &machine->hpet_tick[0].ticks, &stats[TIMER_HPET_0].lateness },
        { "HPET 1", &machine->hpet_tick[1].ticks, &stats[TIMER_HPET_1].lateness },
    };
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
        if (i < 2 || timers[i].ticks->expired != 0)
            out[count++] = timers[i];
    return count;
}
