// SPDX-License-Identifier: MIT
// The board's interrupts by way of the IOAPIC, the 8259 masked: the PIT on pin 2, the serial port on pin 4, the SCI on
// pin 9. Every tick at its deadline, no edge doubled or invented, a level for as long as it is asserted.
#include "guest-tests/lib/x86_64/devices.h"

#define IOAPIC         0xfec00000u
#define PIN_PIT        2u
#define PIN_UART       4u
#define PIN_SCI        9u
#define VECTOR_PIN     0x80u // pin n has vector 0x80 + n
#define ENTRY_MASKED   0x10000u
#define ENTRY_LEVEL    0x08000u
#define ENTRY_REMOTE   0x04000u
#define ENTRY_LOGICAL  0x00800u
#define DELIVER_LOWEST 0x00100u
#define DELIVER_NMI    0x00400u
#define DELIVER_EXTINT 0x00700u

#define COUNT          1193u
#define TMR_BIT        0x0001u
#define HALF_ROUND     (1u << 23)
#define UART           0x3f8u

static uint32_t ioapic_read(uint32_t index)
{
    write32(IOAPIC, index);
    return read32(IOAPIC + 0x10);
}

static void ioapic_write(uint32_t index, uint32_t value)
{
    write32(IOAPIC, index);
    write32(IOAPIC + 0x10, value);
}

static void route(unsigned pin, uint32_t low, uint8_t destination)
{
    ioapic_write(0x10 + 2 * pin, ENTRY_MASKED);
    ioapic_write(0x11 + 2 * pin, (uint32_t)destination << 24);
    ioapic_write(0x10 + 2 * pin, low);
}

static void open_pin(unsigned pin, uint32_t bits)
{
    route(pin, (VECTOR_PIN + pin) | bits, (uint8_t)(lapic_read(APIC_ID) >> 24));
}

static void end_of_interrupt(void)
{
    lapic_write(APIC_EOI, 0);
}

// From now on arrivals at this vector count; one that already waits does not.
static void expect(unsigned vector, void (*acknowledge)(void))
{
    trap_record(vector, acknowledge);
    interrupts_on();
    interrupts_off();
    record = (struct record){ 0 };
}

// Interrupts that have come by `cycles` from now.
static uint64_t arrivals(uint64_t cycles)
{
    interrupts_on();
    wait_until(rdtsc() + cycles);
    interrupts_off();
    return record.count;
}

static void test_registers(void)
{
    uint32_t version = ioapic_read(1), masked = 0;
    for (unsigned pin = 0; pin < 24; pin++)
        masked += (ioapic_read(0x10 + 2 * pin) & ENTRY_MASKED) != 0;
    ok((version & 0xff00ff) == 0x170020, "version 0x20, 24 pins (0x%x)", version);
    ok(masked == 24, "every pin starts masked (%u)", masked);
    route(23, ENTRY_MASKED | ENTRY_LEVEL | 0x2000 | VECTOR_PIN, 0xa5);
    ok(ioapic_read(0x3e) == (ENTRY_MASKED | ENTRY_LEVEL | 0x2000 | VECTOR_PIN) && ioapic_read(0x3f) == 0xa5000000,
       "an entry reads back");
    route(23, ENTRY_MASKED, 0);
}

// As pit_ticks asks it of the 8259.
static void test_ticks(uint64_t ticks)
{
    uint64_t lost = 0, doubled = 0, seen = 0, last = 0;
    struct spread spread = { 0 };
    expect(VECTOR_PIN + PIN_PIT, end_of_interrupt);
    open_pin(PIN_PIT, 0);
    uint64_t origin = pit_start(0, 2, COUNT);
    for (uint64_t halts = 0; last < ticks && halts < 2 * ticks; halts++) {
        halt_until_interrupt();
        if (record.count == seen)
            continue;
        seen++;
        uint64_t k = mul_div_floor(record.stamp - origin, PIT_HZ, platform.counter_hz * COUNT);
        doubled += k == last;
        lost += k > last + 1 ? k - last - 1 : 0;
        spread_add(&spread, (int64_t)(record.stamp - pit_stamp(origin, k * COUNT)));
        last = k;
    }

    // Ten periods masked: those edges are lost, none waits, and the phase goes on. Printing comes after: with
    // clock=wall a slow console is time, and its ticks would be caught up here.
    uint64_t count = record.count;
    open_pin(PIN_PIT, ENTRY_MASKED);
    uint64_t masked = last + 10;
    wait_until(pit_stamp(origin, masked * COUNT + COUNT / 2));
    record.count = 0;
    open_pin(PIN_PIT, 0);
    uint64_t at_once = arrivals(1000);
    halt_until_interrupt();
    uint64_t next = record.count;
    int64_t late = (int64_t)(record.stamp - pit_stamp(origin, (masked + 1) * COUNT));

    diag("pin 2: ticks=%lu lost=%lu doubled=%lu error min=%ld max=%ld", ticks, lost, doubled, spread.min, spread.max);
    ok_exact(last == ticks, "%lu ticks came through pin 2", ticks);
    ok_exact(lost == 0 && doubled == 0 && seen == count, "M7 none lost, none doubled");
    ok_exact(spread.min == 0 && spread.max == 0, "M5 every tick at its deadline");
    ok_exact(at_once == 0, "edges on a masked pin are lost");
    ok_exact(next == 1, "the next one is delivered");
    ok_exact(late == 0, "it is on time (%ld)", late);
    pit_start(0, 0, 0);
    open_pin(PIN_PIT, ENTRY_MASKED);
}

#define ENOUGH 2000u

static void storm_handler(struct trap *trap)
{
    (void)trap;
    if (++record.count == ENOUGH)
        open_pin(PIN_PIT, ENTRY_MASKED);
    end_of_interrupt();
}

// A period of two clocks, 1.7 us. With IF = 0 it must not be felt; masked it must not either.
static void test_storm(void)
{
    record = (struct record){ 0 };
    trap_set(VECTOR_PIN + PIN_PIT, storm_handler);
    open_pin(PIN_PIT, 0);
    pit_start(0, 2, 2);
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    uint64_t cycles = platform.counter_hz / 1000, target = rdtsc() + cycles;
    uint64_t arrived = wait_until(target);
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    ok_counted(arrived == target, "%lu instructions with IF=0 are counted exactly", cycles);
    ok(exits < 4, "600 periods that nobody takes are %lu exits", exits);
    bool enough = wait_for_record(ENOUGH, 5000000);
    ok(enough && record.count <= ENOUGH + 1, "the handler stopped the storm by the mask");
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    uint64_t before = record.count;
    arrivals(1000000);
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    ok(exits < 4 && record.count == before, "masked everywhere the timer is not felt (%lu exits)", exits);
    pit_start(0, 0, 0);
    open_pin(PIN_PIT, ENTRY_MASKED);
}

static uint64_t one_shot(uint64_t *deadline)
{
    uint64_t origin = pit_start(0, 0, COUNT);
    *deadline = pit_stamp(origin, COUNT);
    return arrivals(platform.counter_hz / (platform.counted ? 500 : 20)); // a busy computer's alarm may be late
}

// Delivery modes and destinations, each by one tick.
static void test_delivery(void)
{
    uint64_t deadline, came;
    uint8_t id = (uint8_t)(lapic_read(APIC_ID) >> 24);
    lapic_write(0x0e0, 0xffffffff); // DFR: flat
    lapic_write(0x0d0, 0x02000000); // LDR
    static const struct {
        const char *name;
        uint32_t bits;
        uint8_t destination, arrives;
    } cases[] = {
        { "logical, our bit among others", ENTRY_LOGICAL, 0x0a, 1 },
        { "logical, not our bit", ENTRY_LOGICAL, 0x05, 0 },
        { "lowest priority", ENTRY_LOGICAL | DELIVER_LOWEST, 0x02, 1 },
        { "physical, everybody", 0, 0xff, 1 },
        { "physical, somebody else", 0, 0x0e, 0 },
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        expect(VECTOR_PIN + PIN_PIT, end_of_interrupt);
        route(PIN_PIT, (VECTOR_PIN + PIN_PIT) | cases[i].bits, cases[i].destination);
        came = one_shot(&deadline);
        ok(came == cases[i].arrives, "%s: %lu interrupts", cases[i].name, came);
    }
    expect(2, end_of_interrupt);
    route(PIN_PIT, DELIVER_NMI, id);
    came = one_shot(&deadline);
    ok(came == 1, "NMI: %lu", came);
    ok_exact(record.stamp == deadline, "the NMI is on time (%ld)", (int64_t)(record.stamp - deadline));
    trap_reset(2);
    open_pin(PIN_PIT, ENTRY_MASKED);
}

static void acknowledge_pic(void)
{
    pic_eoi(0);
}

static void ignore(struct trap *trap)
{
    (void)trap;
}

// The 8259's output is on pin 0 of a PC's board; QEMU leaves that wire out.
static void test_extint(void)
{
    uint64_t deadline;
    if (!platform.escapement) {
        skip("pin 0 is not wired", "ExtINT through pin 0");
        skip("pin 0 is not wired", "nothing by LINT0");
        return;
    }
    lapic_write(APIC_LINT0, LVT_MASKED | 0x700);
    pic_init(1);
    expect(VECTOR_PIC, acknowledge_pic);
    trap_set(VECTOR_PIC + 7, ignore); // a spurious one, if the PIT's edge is gone before it is taken
    route(0, DELIVER_EXTINT, 0xff);
    uint64_t came = one_shot(&deadline);
    ok(came == 1 && (!platform.exact || record.stamp == deadline), "ExtINT through pin 0: %lu, on time", came);
    route(0, ENTRY_MASKED, 0);
    came = one_shot(&deadline);
    ok(came == 1, "with LINT0 and pin 0 masked the 8259 reaches nobody (%lu)", came);
    pic_init(0);
}

static void acknowledge_uart(void)
{
    inb(UART + 2); // IIR: the transmitter's interrupt is taken
    lapic_write(APIC_EOI, 0);
}

static void test_uart(void)
{
    uint8_t mcr = inb(UART + 4), ier = inb(UART + 1);
    expect(VECTOR_PIN + PIN_UART, acknowledge_uart);
    outb(UART + 1, 0);
    inb(UART + 2);
    outb(UART + 4, mcr | 8); // OUT2 connects the interrupt
    open_pin(PIN_UART, 0);
    for (uint64_t i = 1; i <= 100; i++) {
        outb(UART + 1, 2); // the empty transmitter asks
        wait_for_record(i, 100000);
        outb(UART + 1, 0);
    }
    ok(record.count == 100, "100 edges of the serial port's line, 100 interrupts (%lu)", record.count);
    open_pin(PIN_UART, ENTRY_MASKED);
    outb(UART + 1, 2);
    open_pin(PIN_UART, 0); // the line is high, its edge is gone
    uint64_t late = arrivals(10000);
    outb(UART + 1, 0);
    outb(UART + 1, 2);
    wait_for_record(101, 100000);
    ok(late == 100 && record.count == 101, "an edge under the mask is lost, the next is not (%lu, %lu)", late,
       record.count);
    open_pin(PIN_UART, ENTRY_MASKED);
    outb(UART + 1, ier);
    outb(UART + 4, mcr);
}

static unsigned sci_repeats;
static uint64_t sci_first;
static uint32_t sci_entry;

static void acknowledge_sci(void)
{
    if (record.count == 1) {
        sci_first = record.stamp;
        sci_entry = ioapic_read(0x10 + 2 * PIN_SCI);
    }
    if (record.count == sci_repeats)
        outw(board.pm_event_port, TMR_BIT);
    if (record.count & 1)
        lapic_write(APIC_EOI, 0);
    else
        lapic_write_stamp(APIC_EOI, 0);
}

// TMR_STS is set when bit 23 of the PM timer changes, 2.34 s apart; the level comes again until the status is cleared.
static void test_sci(void)
{
    uint16_t enable_port = (uint16_t)(board.pm_event_port + 2), enable = inw(enable_port);
    sci_repeats = 5;
    expect(VECTOR_PIN + PIN_SCI, acknowledge_sci);
    outw(board.pm_event_port, TMR_BIT);
    outw(enable_port, TMR_BIT);
    open_pin(PIN_SCI, ENTRY_LEVEL);
    uint64_t v = rdtsc() - (uint64_t)platform.read_bias;
    uint64_t changes = mul_div_floor(v, PM_TIMER_HZ, platform.counter_hz) / HALF_ROUND + 1;
    uint64_t due = mul_div_ceil(changes * HALF_ROUND, platform.counter_hz, PM_TIMER_HZ) + (uint64_t)platform.read_bias;
    for (unsigned halts = 0; halts < 100 && record.count == 0; halts++)
        halt_until_interrupt();
    uint64_t came = arrivals(100000);
    ok(came == sci_repeats, "a level comes until its cause is gone: %lu interrupts", came);
    ok(sci_entry == (VECTOR_PIN + PIN_SCI + (ENTRY_LEVEL | ENTRY_REMOTE)), "Remote IRR while in service (0x%x)",
       sci_entry);
    ok(!(ioapic_read(0x10 + 2 * PIN_SCI) & ENTRY_REMOTE), "and none after the EOI");
    ok_exact(sci_first == due, "the first is on time (%ld)", (int64_t)(sci_first - due));
    outw(enable_port, enable);
    open_pin(PIN_SCI, ENTRY_MASKED);
}

void test_main(void)
{
    plan(3 + 6 + 4 + 7 + 2 + 2 + 4);
    lapic_init(false);
    pic_init(0);
    test_registers();
    test_ticks(cmdline_number("ticks", 20000));
    test_storm();
    test_delivery();
    test_extint();
    test_uart();
    test_sci();
}
