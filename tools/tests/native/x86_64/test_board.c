// SPDX-License-Identifier: MIT
// The whole board under random guests: every device, every wire, every tick policy, with sanitizers. What must hold
// after each operation: it cost a bounded amount of work, no timer is overdue, no message is left unsent, a line shows
// what its device says, a level is in service or nobody listens; and looking at all devices once more finds nothing
// that their deadlines have missed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "devices/lapic_regs.h"
#include "tools/tests/native/x86_64/quiet_console.h"
#include "tools/tests/native/host.h"
#include "vmm/pc/wiring.h"

#define HZ      UINT64_C(1000000000)
#define IOAPIC  0xfec00000u
#define LAPIC   0xfee00000u
#define RECORDS 96u // trace records that one operation may make
#define ROUNDS  400000u
#define SEED    7u

static struct vm vm;
static uint64_t rng;

// --- what the board asks of the monitor -----------------------------------------------------------------------------

void vm_end(struct vm *of, enum vm_end end, uint32_t value, const char *reason)
{
    (void)of, (void)end, (void)value, (void)reason;
}

void vm_end_at_limit(struct vm *of)
{
    (void)of;
    fail_msg("the end of V");
}

// --- random guests --------------------------------------------------------------------------------------------------

static uint32_t roll(uint32_t sides)
{
    return (uint32_t)host_random_range(&rng, 0, sides - 1);
}

static uint8_t any_size(void)
{
    return (uint8_t)(1u << roll(4));
}

static void access_port(uint16_t port, uint8_t size, bool is_write, uint64_t value)
{
    struct io_access io = { .offset = port, .size = size, .is_write = is_write, .value = value };
    machine_port(&vm, &io);
}

static void access_memory(uint64_t address, uint8_t size, bool is_write, uint64_t value)
{
    struct io_access io = { .size = size, .is_write = is_write, .value = value };
    machine_mmio(&vm, (gpa){ address }, &io);
}

static void any_port(void)
{
    static const uint16_t ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x40,  0x41,  0x42,  0x43,  0x61,  0x70,  0x71,
                                      0x70, 0x71, 0x71, 0x4d0, 0x4d1, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd,
                                      0x600, 0x602, 0x604, 0x608, 0xcf8, 0xcfc, 0x510, 0x511, 0x60,  0x60,  0x64,
                                      0x3d4, 0x3d5, 0x3da };
    uint16_t port = ports[roll(sizeof(ports) / sizeof(ports[0]))];
    access_port(port, (uint8_t)(1u << (roll(8) == 0 ? roll(3) : 0)), roll(2), host_random_edgy(&rng));
}

// The 8259 pair set up again, in any mode.
static void any_pic(void)
{
    uint16_t base = roll(2) ? 0x20 : 0xa0;
    access_port(base, 1, true, 0x11 | roll(16));
    access_port(base + 1, 1, true, roll(256));
    access_port(base + 1, 1, true, base == 0x20 ? 4 : 2);
    access_port(base + 1, 1, true, 1 | roll(32));
    access_port(base + 1, 1, true, roll(2) ? 0 : roll(256));
}

static void any_rtc(void)
{
    static const uint8_t usual[] = { 0x0a, 0x0b, 0x0c, 0x0b, 0x0c, 0x32 };
    access_port(0x70, 1, true, roll(2) ? usual[roll(sizeof(usual))] : roll(16));
    access_port(0x71, 1, roll(3) != 0, roll(2) ? host_random(&rng) : 0x26 | roll(0x70));
}

static void any_pit(void)
{
    unsigned counter = roll(3);
    access_port(0x43, 1, true, counter << 6 | 0x30 | roll(8) << 1 | (roll(8) == 0));
    access_port(0x40 + (uint16_t)counter, 1, true, roll(4) ? roll(4) : roll(256));
    access_port(0x40 + (uint16_t)counter, 1, true, roll(4) ? 0 : roll(256));
}

static void any_entry(void)
{
    static const uint32_t usual[] = { 0, 2, 4, 8, 9, 20, 21, 23 };
    uint32_t pin = roll(3) ? usual[roll(8)] : roll(24);
    uint32_t vector = roll(4) ? 16 + roll(240) : roll(32);
    uint32_t low = vector | roll(8) << 8 | (roll(3) ? 0 : roll(32) << 11) | (roll(4) == 0 ? 0x10000 : 0);
    access_memory(IOAPIC, 4, true, 0x11 + 2 * pin);
    access_memory(IOAPIC + 0x10, 4, true, roll(4) ? 0 : host_random(&rng));
    access_memory(IOAPIC, 4, true, 0x10 + 2 * pin);
    access_memory(IOAPIC + 0x10, 4, true, low);
}

static void any_ioapic(void)
{
    if (roll(2))
        any_entry();
    else if (roll(2))
        access_memory(IOAPIC + 0x40, 4, true, roll(256));
    else
        access_memory(IOAPIC + roll(0x50), any_size(), roll(2), host_random_edgy(&rng));
}

static void any_hpet(void)
{
    uint64_t at = HPET_BASE + (roll(3) ? 0x100 + 0x20 * roll(HPET_TIMERS + 1) + 8 * roll(2) : 8 * roll(0x22));
    uint64_t value = roll(2) ? host_random_edgy(&rng) : roll(100);
    if ((at & 0x118) == 0x100 && roll(4))
        value = (0x14e & (host_random(&rng) | 4)) | (20 + roll(4)) << 9;
    if (at == HPET_BASE + 0x10)
        value = roll(4) ? 1 | roll(4) : value;
    access_memory(at + (roll(8) ? 0 : roll(8)), roll(2) ? (uint8_t)8 : any_size(), roll(4) != 0, value);
}

static void any_apic_register(void)
{
    static const uint32_t usual[] = { APIC_SVR, APIC_EOI,       APIC_EOI,   APIC_ESR,
                                      APIC_LVT_TIMER, APIC_TMICT, APIC_LVT_LINT0, APIC_TDCR };
    uint32_t at = roll(0x40) << 4;
    uint64_t value = roll(2) ? host_random_edgy(&rng) : 0x100 | roll(256);
    if (roll(2))
        at = usual[roll(8)];
    if (at == APIC_SVR && roll(4))
        value = 0x1ff;
    if (at == APIC_EOI)
        value = 0;
    if (at == APIC_TMICT && roll(2))
        value = 1 + roll(1000);
    if (at == APIC_LVT_TIMER && roll(2))
        value = roll(256) | roll(4) << 17;
    access_memory(lapic_mmio_base(&vm.machine.lapic) + at + (roll(16) ? 0 : roll(16)),
                  roll(8) ? (uint8_t)4 : any_size(), roll(4) != 0, value);
    uint64_t ignored;
    if (roll(4))
        lapic_write_msr(&vm.machine.lapic, 0x800 + (at >> 4), value, vm.vtime.now);
    else
        lapic_read_msr(&vm.machine.lapic, 0x800 + (at >> 4), &ignored, vm.vtime.now);
    machine_settle(&vm, DEVICE_LAPIC);
}

static void any_apic(void)
{
    uint32_t what = roll(40);
    if (what > 5) {
        any_apic_register();
        return;
    }
    if (what == 0)
        lapic_base_write(&vm.machine.lapic, LAPIC | 0x100 | roll(4) << 10);
    else if (what == 1)
        lapic_base_write(&vm.machine.lapic, (roll(2) ? LAPIC : IOAPIC) | 0x900);
    else if (what == 2)
        lapic_tsc_moved(&vm.machine.lapic, host_random_edgy(&rng), vm.vtime.now);
    else if (what == 3)
        lapic_lint(&vm.machine.lapic, 1, roll(2));
    else
        lapic_deadline_write(&vm.machine.lapic, vm.vtime.now + roll(10000), 0, vm.vtime.now);
    machine_settle(&vm, DEVICE_LAPIC);
}

static void cpu_takes(void)
{
    if (roll(2))
        machine_take_nmi(&vm);
    if (machine_interrupt_pending(&vm))
        assert_true(machine_acknowledge(&vm) < 256);
}

// As under a guest's clock, from deadline to deadline, or with V far beyond them.
static void time_passes(void)
{
    uint64_t step = roll(8) ? roll(20000) : host_random(&rng) >> (24 + roll(40)), end = vm.vtime.now + step;
    for (unsigned i = roll(20); i > 0 && timerq_next(&vm.machine.timers) < end; i--) {
        vm.vtime.now = timerq_next(&vm.machine.timers);
        machine_run_timers(&vm);
        if (roll(2))
            cpu_takes();
    }
    vm.vtime.now = end > vm.vtime.now ? end : vm.vtime.now;
    machine_run_timers(&vm);
}

static void any_operation(void)
{
    static void (*const operations[])(void) = { any_port, any_pic,  any_rtc,    any_pit,   any_entry, any_ioapic,
                                                any_hpet, any_hpet, any_apic,   any_apic,  cpu_takes, cpu_takes,
                                                time_passes, time_passes, time_passes };
    if (roll(40) == 0)
        machine_console_input(&vm, (uint8_t)roll(256));
    operations[roll(sizeof(operations) / sizeof(operations[0]))]();
}

// --- what holds -----------------------------------------------------------------------------------------------------

static bool line(unsigned irq)
{
    return vm.machine.irq_levels >> irq & 1;
}

static void check_lines(void)
{
    const struct machine *machine = &vm.machine;
    assert_int_equal(machine->ioapic.ready, 0);
    assert_int_equal(machine->lapic.ended.nonzero, 0);
    assert_int_equal(machine->extint, pic_output(&machine->pic));
    assert_int_equal(line(IRQ_UART), machine->uart.irq.level);
    assert_int_equal(line(IRQ_SCI), machine->pm.sci.level);
    if (!machine->hpet_legacy)
        assert_int_equal(line(IRQ_RTC), machine->rtc.irq.level);
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        if (hpet_level_triggered(&machine->hpet, i) && machine->hpet.timer[i].irq.level &&
            hpet_line(&machine->hpet, i) != HPET_NO_LINE)
            assert_true(line(hpet_line(&machine->hpet, i)));
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t entry = machine->ioapic.entry[pin];
        bool asserted = (machine->ioapic.lines >> pin & 1) != (entry >> 13 & 1);
        if (asserted && entry & 0x8000 && !(entry & 0x10000) && (entry >> 8 & 7) <= 1)
            assert_true(ioapic_pin_in_service(&machine->ioapic, pin));
    }
}

struct seen {
    struct vector_set irr, isr;
    uint8_t direct;
};

static struct seen see(void)
{
    struct seen seen;
    memset(&seen, 0, sizeof(seen));
    seen.irr = vm.machine.lapic.irr;
    seen.isr = vm.machine.lapic.isr;
    seen.direct = vm.machine.lapic.direct;
    return seen;
}

// Every device looked at, on a copy: if that changes an interrupt, a timer was off the queue that should not have been.
// The 8259's request may be gone, which the guest would notice when it takes it.
static void check_nothing_missed(void)
{
    static struct machine before;
    struct seen old = see();
    before = vm.machine;
    for (unsigned id = 0; id < DEVICE_COUNT; id++) {
        if (id < DEVICE_TIMED_COUNT)
            machine_advance(&vm, (enum device_id)id, vm.vtime.now);
        machine_settle(&vm, (enum device_id)id);
    }
    struct seen now = see();
    assert_memory_equal(&old, &now, sizeof(old));
    assert_true(before.extint || !vm.machine.extint || !lapic_accepts_extint(&vm.machine.lapic));
    vm.machine = before;
}

static uint8_t low_ram[4096]; // all that the board itself writes

static void test_random_guests(void **state)
{
    (void)state;
    for (unsigned policy = TICK_HARDWARE; policy <= TICK_DISCARD; policy++) {
        memset(&vm, 0, sizeof(vm));
        rng = policy + SEED;
        vm.config.vcpus = 1;
        vm.config.tick = (enum tick_policy)policy;
        vm.ram = (struct guest_ram){ .host = low_ram, .size = 16u << 20 };
        vm.vtime.hz = HZ;
        vm.limit = UINT64_MAX - 1;
        machine_init(&vm);
        for (unsigned i = 0; i < ROUNDS; i++) {
            uint64_t records = vm.trace.written;
            any_operation(); // whatever it was, it has queued nothing that is past
            assert_true(timerq_next(&vm.machine.timers) > vm.vtime.now);
            assert_true(vm.trace.written - records <= RECORDS);
            check_lines();
            if (i % 4 == 0)
                check_nothing_missed();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_guests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
