// SPDX-License-Identifier: MIT
// The 8254's six modes, to the instruction: OUT2 through port 0x61, read-back, latch, BCD, count 0; and M5, M11 for it.
//
// Counting starts with the OUT that completes the count (modes 0, 2, 3, 4) or raises the gate (1, 5); n clocks later is
// ceil(n * TSC Hz / 1193182) after it. OUT2 is read one instruction before and at that moment.
#include "guest-tests/lib/x86_64/devices.h"

#define READ_BACK_STATUS2 0xe8u // data sheet, Read-Back Command: latch status of counter 2 only

// Was OUT2 `before` one instruction before the stamp and `!before` at it?
static bool turns_at(uint64_t stamp, bool before)
{
    uint64_t pair = inb_pair_at(stamp - 1, 0x61);
    return pair != TOO_LATE && ((pair >> 5) & 1) == before && ((pair >> 13) & 1) == !before;
}

static void test_mode0(void)
{
    static const uint32_t counts[] = { 1, 2, 3, 100, 10000, 65536 };
    for (unsigned i = 0; i < ARRAY_LENGTH(counts); i++) {
        pit_gate2(true);
        uint64_t origin = pit_start(2, 0, counts[i]);
        ok_counted(turns_at(pit_stamp(origin, counts[i]), false), "mode 0, count %u: OUT rises at that clock",
                   counts[i]);
    }
    pit_gate2(true);
    uint64_t origin = pit_start(2, 0, 500);
    uint64_t closed = pit_stamp(origin, 100);
    outb_at(closed, 0x61, 0); // the gate stops the count after 100 clocks; 400 remain
    wait_until(pit_stamp(origin, 900));
    uint64_t reopened = pit_gate2(true);
    uint64_t expected = pit_stamp(reopened, 400);
    ok_exact(turns_at(expected, false), "mode 0: a closed gate stops the count, an open one continues it");
}

static void test_mode1(void)
{
    pit_gate2(false);
    pit_start(2, 1, 1000);
    ok_exact(inb(0x61) & 0x20, "mode 1: OUT is high before the trigger");
    uint64_t trigger = pit_gate2(true);
    ok_exact(turns_at(pit_stamp(trigger, 1000), false), "mode 1: the pulse ends 1000 clocks after the trigger");
    pit_gate2(false);
    trigger = pit_gate2(true);
    wait_until(pit_stamp(trigger, 600));
    pit_gate2(false);
    trigger = pit_gate2(true);
    ok_exact(turns_at(pit_stamp(trigger, 1000), false), "mode 1: a second trigger starts the pulse anew");
}

static void test_mode2(void)
{
    static const uint64_t periods[] = { 1, 2, 3, 100, 1000 };
    pit_gate2(true);
    uint64_t origin = pit_start(2, 2, 1000);
    for (unsigned i = 0; i < ARRAY_LENGTH(periods); i++) {
        uint64_t clocks = periods[i] * 1000;
        bool falls = turns_at(pit_stamp(origin, clocks - 1), true);
        bool rises = turns_at(pit_stamp(origin, clocks), false);
        ok_exact(falls && rises, "mode 2, period %lu: OUT low for exactly the last clock", periods[i]);
    }
}

static void test_mode3(uint32_t count)
{
    static const uint64_t periods[] = { 0, 1, 2, 500 };
    pit_gate2(true);
    uint64_t origin = pit_start(2, 3, count);
    for (unsigned i = 0; i < ARRAY_LENGTH(periods); i++) {
        bool falls = turns_at(pit_stamp(origin, periods[i] * count + (count + 1) / 2), true);
        bool rises = turns_at(pit_stamp(origin, (periods[i] + 1) * count), false);
        ok_counted(falls && rises, "mode 3, count %u, period %lu: high (n+1)/2 clocks, low n/2", count, periods[i]);
    }
}

static void test_strobes(void)
{
    pit_gate2(true);
    uint64_t origin = pit_start(2, 4, 1000);
    bool falls = turns_at(pit_stamp(origin, 1000), true);
    ok_exact(falls && turns_at(pit_stamp(origin, 1001), false), "mode 4: a strobe of one clock after 1000");
    pit_gate2(false);
    pit_start(2, 5, 1000);
    origin = pit_gate2(true);
    falls = turns_at(pit_stamp(origin, 1000), true);
    ok_exact(falls && turns_at(pit_stamp(origin, 1001), false),
             "mode 5: a strobe of one clock, 1000 after the trigger");
}

static void test_formats(void)
{
    pit_gate2(true);
    uint64_t origin = pit_start_bcd(2, 0, 0x1234);
    ok_exact(turns_at(pit_stamp(origin, 1234), false), "BCD 0x1234 is 1234 clocks");
    origin = pit_start_bcd(2, 0, 0);
    ok_exact(turns_at(pit_stamp(origin, 10000), false), "BCD 0 is 10000 clocks");
    outb(0x43, 0x90); // counter 2, low byte only, mode 0
    origin = outb_stamp(0x42, 200);
    ok_counted(turns_at(pit_stamp(origin, 200), false), "low byte only: 200 clocks");
    outb(0x43, 0xa0); // high byte only
    origin = outb_stamp(0x42, 3);
    ok_counted(turns_at(pit_stamp(origin, 768), false), "high byte only: 768 clocks");
}

static void test_status(void)
{
    bool right = true;
    for (unsigned mode = 0; mode < 6; mode++) {
        pit_gate2(false);
        outb(0x43, (uint8_t)(0xb0 | mode << 1));
        outb(0x43, READ_BACK_STATUS2);
        uint8_t empty = inb(0x42);
        outb(0x42, 0x10);
        outb(0x42, 0x27);
        pit_gate2(true);
        wait_until(rdtsc() + 5000);
        outb(0x43, READ_BACK_STATUS2);
        uint8_t loaded = inb(0x42);
        diag("mode %u: status before the count 0x%02x, after 0x%02x", mode, empty, loaded);
        right = right && (empty & 0x7f) == (0x70 | mode << 1) && (loaded & 0x7f) == (0x30 | mode << 1);
    }
    ok_exact(right, "read-back status: mode, format, null count");
    pit_start(2, 2, 40000);
    outb(0x43, 0xc8); // status and count of counter 2
    uint8_t status = inb(0x42);
    uint16_t first = inb(0x42);
    first = (uint16_t)(first | inb(0x42) << 8);
    ok((status & 0x3f) == 0x34 && first > 30000 && first <= 40000, "read-back of both: status first, then the count");
}

// M11: a latched count is count - floor(elapsed * 1193182 / Hz), at random points.
static void test_latch(unsigned mode, uint32_t count, unsigned rounds)
{
    struct random random = { 42 + mode };
    struct spread spread = { 0 };
    pit_gate2(true);
    uint64_t origin = pit_start(2, mode, count);
    for (unsigned i = 0; i < rounds; i++) {
        uint16_t value;
        wait_until(rdtsc() + 80 + random_next(&random) % 3000);
        uint64_t stamp = pit_latch(2, &value);
        uint64_t clocks = mul_div_floor(stamp - origin, PIT_HZ, platform.counter_hz);
        uint64_t step = mode == 3 ? 2 : 1;
        uint64_t expected = mode == 0 ? count - clocks : count - (clocks * step) % count;
        spread_add(&spread, (int16_t)(value - expected));
    }
    diag("M11 8254 mode %u reads=%u error min=%ld max=%ld clocks", mode, rounds, spread.min, spread.max);
    ok_counted(spread.min == 0 && spread.max == 0, "M11 mode %u: %u latched counts are the model's", mode, rounds);
}

static void acknowledge(void)
{
    pic_eoi(0);
}

// M5, one-shot: the handler's first instruction stands at the deadline.
static void test_one_shot(void)
{
    struct random random = { 7 };
    struct spread spread = { 0 };
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t clocks = 3 + (uint32_t)(random_next(&random) % 3000);
        uint64_t before = record.count;
        uint64_t origin = pit_start(0, 0, clocks);
        if (!wait_for_record(before + 1, 10000000))
            break;
        spread_add(&spread, (int64_t)(record.stamp - pit_stamp(origin, clocks)));
    }
    diag("M5 PIT mode 0: n=%lu error min=%ld max=%ld", spread.count, spread.min, spread.max);
    ok_exact(spread.count == 1000 && spread.min >= 0, "M5 PIT mode 0: 1000 interrupts, none early");
    ok_exact(spread.count == 1000 && spread.min == 0 && spread.max == 0, "M5 PIT mode 0: min = max = 0");
}

static void test_periodic(void)
{
    struct spread spread = { 0 };
    uint64_t first = record.count;
    uint64_t origin = pit_start(0, 2, 1193);
    for (uint64_t k = 1; k <= 1000; k++) {
        if (!wait_for_record(first + k, 10000000))
            break;
        spread_add(&spread, (int64_t)(record.stamp - pit_stamp(origin, k * 1193)));
    }
    pit_start(0, 0, 0);
    diag("M5 PIT mode 2: n=%lu error min=%ld max=%ld", spread.count, spread.min, spread.max);
    ok_exact(spread.count == 1000 && spread.min >= 0, "M5 PIT mode 2: 1000 ticks, none early");
    ok_exact(spread.count == 1000 && spread.min == 0 && spread.max == 0, "M5 PIT mode 2: min = max = 0");
}

void test_main(void)
{
    plan(38);
    lapic_init(false);
    test_mode0();
    test_mode1();
    test_mode2();
    test_mode3(1000);
    test_mode3(1001);
    test_strobes();
    test_formats();
    test_status();
    test_latch(0, 65536, 1000);
    test_latch(2, 10000, 10000);
    test_latch(3, 10000, 10000);
    pic_init(1);
    trap_record(VECTOR_PIC, acknowledge);
    test_one_shot();
    test_periodic();
}
