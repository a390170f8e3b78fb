// SPDX-License-Identifier: MIT
// The ACPI PM timer: 3,579,545 Hz of V, 24 bits, its roll-over seen to the instruction, its status bit and its
// interrupt.
//
// ACPI 6.5, 4.8.3.3: TMR_STS is set whenever bit 23 of the count changes; with TMR_EN it raises the SCI.
#include "guest-tests/lib/x86_64/devices.h"

#define TMR_BIT    0x0001u
#define SCI_IRQ    9u
#define HALF_ROUND (1u << 23)

static uint64_t stamp_offset; // a stamp minus V

// The stamp at which the timer's unwrapped count becomes n.
static uint64_t count_stamp(uint64_t n)
{
    return mul_div_ceil(n, platform.counter_hz, PM_TIMER_HZ) + stamp_offset;
}

static uint64_t count_at(uint64_t stamp)
{
    return mul_div_floor(stamp - stamp_offset, PM_TIMER_HZ, platform.counter_hz);
}

static void acknowledge_apic(void)
{
    lapic_write(APIC_EOI, 0);
}

static void acknowledge_sci(void)
{
    outw(board.pm_event_port, TMR_BIT);
    pic_eoi(SCI_IRQ);
}

// Under Escapement the counter is V. Elsewhere the two have started apart: of many reads, the one that came right
// after a change of the count has the least distance, and that is the offset.
static void find_offset(void)
{
    struct random random = { 5 };
    stamp_offset = (uint64_t)platform.read_bias;
    if (platform.exact)
        return;
    stamp_offset = UINT64_MAX;
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t value, stamp;
        wait_until(rdtsc() + 80 + random_next(&random) % 1000);
        stamp = inl_stamp(board.pm_timer_port, &value);
        uint64_t offset = stamp - mul_div_ceil(value, platform.counter_hz, PM_TIMER_HZ);
        stamp_offset = (int64_t)(offset - stamp_offset) < 0 || i == 0 ? offset : stamp_offset;
    }
}

static void test_count(void)
{
    struct random random = { 3 };
    struct spread spread = { 0 };
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t value;
        wait_until(rdtsc() + 80 + random_next(&random) % 1000);
        uint64_t stamp = inl_stamp(board.pm_timer_port, &value);
        spread_add(&spread, (int64_t)value - (int64_t)(count_at(stamp) & 0xffffff));
    }
    diag("PM timer: reads=10000 error min=%ld max=%ld", spread.min, spread.max);
    ok_counted(spread.min == 0 && spread.max == 0, "10,000 reads are floor(V * 3579545 / Hz), 24 bits of it");
}

static void test_roll_over(void)
{
    uint32_t pair[2];
    uint64_t next = (count_at(rdtsc()) | 0xffffff) + 1;
    uint64_t stamp = count_stamp(next);
    halt_until(stamp);
    inl_pair_at(stamp - 1, board.pm_timer_port, pair);
    diag("one instruction before the roll-over 0x%06x, at it 0x%06x", pair[0], pair[1]);
    ok_counted(pair[0] == 0xffffff && pair[1] == 0, "the count goes from 0xffffff to 0 at one instruction");
    ok_counted(!(pair[1] & 0xff000000), "24 bits");
}

static void test_status(void)
{
    uint64_t edge = count_stamp((count_at(rdtsc()) | (HALF_ROUND - 1)) + 1);
    halt_until(edge);
    outw((uint16_t)(board.pm_event_port + 2), 0);
    outw(board.pm_event_port, TMR_BIT);
    uint64_t before = inb_at(edge - 2, board.pm_event_port);
    bool clear = before != TOO_LATE && !(before & TMR_BIT);
    wait_until(edge + 200);
    bool set = inw(board.pm_event_port) & TMR_BIT;
    ok_counted(clear, "TMR_STS, cleared by writing 1, is still clear just before bit 23 changes");
    ok_counted(set, "when bit 23 changes it is set");
    outw(board.pm_event_port, TMR_BIT);
    ok(!(inw(board.pm_event_port) & TMR_BIT), "and clears again");
}

static void test_interrupt(void)
{
    lapic_timer_stop();
    pic_init(1u << SCI_IRQ);
    outb(0x4d1, (uint8_t)(inb(0x4d1) | 1u << (SCI_IRQ - 8))); // ELCR: the SCI is a level
    trap_record(VECTOR_PIC + SCI_IRQ, acknowledge_sci);
    uint64_t edge = count_stamp((count_at(rdtsc()) | (HALF_ROUND - 1)) + 1);
    outw(board.pm_event_port, TMR_BIT);
    outw((uint16_t)(board.pm_event_port + 2), TMR_BIT);
    uint64_t before = record.count;
    halt_until_interrupt();
    outw((uint16_t)(board.pm_event_port + 2), 0);
    int64_t error = (int64_t)(record.stamp - edge);
    diag("SCI: error %ld cycles", error);
    ok(record.count == before + 1, "TMR_EN: one SCI woke the halted CPU");
    ok_exact(error >= -1, "not early");
    ok_exact(error == 0, "the handler's first instruction stands where bit 23 changed");
}

void test_main(void)
{
    plan(9);
    lapic_init(false);
    trap_record(VECTOR_TIMER, acknowledge_apic);
    find_offset();
    test_count();
    test_roll_over();
    test_status();
    test_interrupt();
}
