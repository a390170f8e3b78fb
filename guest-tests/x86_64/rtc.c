// SPDX-License-Identifier: MIT
// The RTC: seconds, update in progress, update-ended, periodic and alarm interrupts, each at its own instruction; and
// its time against the clock page's.
//
// MC146818A data sheet. A divider reset makes the phase known everywhere: the update comes 500 ms after its release.
#include "guest-tests/lib/x86_64/devices.h"

#define CRYSTAL    32768u
#define RELEASED   16384u
#define REG_A      0x0au
#define REG_B      0x0bu
#define REG_C      0x0cu
#define REG_D      0x0du
#define CENTURY    0x32u
#define A_RUN      0x26u // 32768 Hz, 1024 Hz periodic
#define A_RESET    0x66u
#define B_24_HOURS 0x02u
#define B_UPDATE   0x10u
#define B_ALARM    0x20u
#define B_PERIODIC 0x40u

static uint64_t origin;        // stamp of the divider's release
static volatile uint8_t flags; // register C, as the handler read it

static uint8_t get(unsigned index)
{
    outb(0x70, (uint8_t)index);
    return inb(0x71);
}

static uint64_t set(unsigned index, uint8_t value)
{
    outb(0x70, (uint8_t)index);
    return outb_stamp(0x71, value);
}

static unsigned decimal(uint8_t bcd)
{
    return (unsigned)(bcd >> 4) * 10 + (bcd & 15);
}

static uint8_t bcd(unsigned value)
{
    return (uint8_t)(value / 10 << 4 | value % 10);
}

// Tick n of the crystal, counted in the divider: multiples of 32768 are updates.
static uint64_t tick_stamp(uint64_t n)
{
    return origin + mul_div_ceil(n - RELEASED, platform.counter_hz, CRYSTAL);
}

static void acknowledge(void)
{
    flags = get(REG_C);
    pic_eoi(8);
}

static void acknowledge_blindly(void)
{
    pic_eoi(8);
}

static void ignore_apic(struct trap *trap)
{
    (void)trap;
    lapic_write(APIC_EOI, 0);
}

// Seconds since 1970, a date of 1970 to 2099.
static uint64_t seconds_shown(void)
{
    static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    uint64_t year, month, day, time;
    uint8_t second;
    do {
        second = get(0);
        year = decimal(get(CENTURY)) * 100u + decimal(get(9));
        month = decimal(get(8));
        day = decimal(get(7));
        time = (decimal(get(4)) * 60 + decimal(get(2))) * 60 + decimal(second);
    } while (get(0) != second);
    uint64_t days =
        (year - 1970) * 365 + (year - 1969) / 4 + before[month - 1] + (month > 2 && year % 4 == 0) + day - 1;
    return days * 86400 + time;
}

static void test_wall_clock(uint64_t offset)
{
    static volatile struct wall_clock wall __attribute__((aligned(4)));
    if (!platform.escapement) {
        skip("no clock page here", "the wall clock's second");
        return;
    }
    wrmsr(MSR_KVM_WALL_CLOCK, (uint64_t)&wall);
    uint64_t v = rdtsc(), shown = seconds_shown();
    diag("wall clock %u at V = 0, V %lu s; RTC %lu", wall.sec, v / platform.counter_hz, shown);
    ok_exact(shown == wall.sec + offset + v / platform.counter_hz,
             "the RTC shows the wall clock's second, and its offset");
}

static void test_registers(void)
{
    get(REG_C);
    ok(get(REG_C) == 0, "register C is cleared by a read");
    ok(get(REG_D) == 0x80, "the battery is good");
    ok((get(REG_A) & 0x70) == 0x20 && get(REG_B) & B_24_HOURS, "firmware left it running, in 24 hours");
    set(0x40, 0x5a);
    ok(get(0xc0) == 0x5a, "memory, and bit 7 of the index is none of it");
}

static void reset_divider(void)
{
    set(REG_A, A_RESET);
    uint8_t second = get(0);
    halt_until(rdtsc() + 2 * platform.counter_hz);
    ok(get(0) == second, "a held divider stops the clock");
    origin = set(REG_A, A_RUN);
}

static void test_update(void)
{
    uint64_t rise = tick_stamp(CRYSTAL - 8), fall = tick_stamp(CRYSTAL);
    halt_until(rise);
    outb(0x70, REG_A);
    uint64_t at_rise = inb_pair_at(rise - 1, 0x71), at_fall = inb_pair_at(fall - 1, 0x71);
    diag("register A around 244 us before the update 0x%04lx, around the update 0x%04lx", at_rise, at_fall);
    ok_exact(at_rise == 0xa626, "update in progress: from 244 us before, to the instruction");
    ok_exact(at_fall == 0x26a6, "to the update, 500 ms after the divider's release");
    struct spread error = { 0 };
    for (unsigned k = 2; k < 12; k++) {
        uint64_t update = tick_stamp(k * CRYSTAL);
        halt_until(update);
        outb(0x70, 0);
        uint64_t pair = inb_pair_at(update - 1, 0x71);
        spread_add(&error, (int64_t)((decimal((uint8_t)(pair >> 8)) + 60 - decimal((uint8_t)pair)) % 60));
    }
    ok_exact(error.min == 1 && error.max == 1, "10 of 10 seconds change at their instruction");
}

// What the divider shows at a stamp, whole seconds counted on, and its next multiple of `period` after it.
static uint64_t ticks_at(uint64_t stamp)
{
    return RELEASED + mul_div_floor(stamp - origin, CRYSTAL, platform.counter_hz);
}

static uint64_t next_multiple(uint64_t stamp, uint64_t period)
{
    return (ticks_at(stamp) / period + 1) * period;
}

static void test_interrupts(const char *name, uint8_t enable, uint64_t period, unsigned count)
{
    struct spread error = { 0 };
    bool right = true;
    uint64_t before = record.count;
    get(REG_C);
    uint64_t due = next_multiple(set(REG_B, B_24_HOURS | enable), period);
    for (unsigned i = 0; i < count; i++) {
        halt_until_interrupt();
        uint64_t n = ticks_at(record.stamp) / period * period;
        right = right && (flags & (0x80 | enable)) == (0x80 | enable) && n == due + i * period;
        spread_add(&error, (int64_t)(record.stamp - tick_stamp(n)));
    }
    set(REG_B, B_24_HOURS);
    get(REG_C);
    diag("%s: error min=%ld max=%ld cycles", name, error.min, error.max);
    ok_exact(record.count == before + count, "%s: %u of %u interrupts", name, count, count);
    ok_exact(right && error.min == 0 && error.max == 0, "M5 %s: each in its turn, lateness 0", name);
}

static void test_alarm(void)
{
    uint64_t ticks = next_multiple(rdtsc(), CRYSTAL) + 3 * CRYSTAL;
    halt_until(tick_stamp(ticks - 3 * CRYSTAL) + 200000);
    wait_until(rdtsc() + 100000);
    unsigned second = (decimal(get(0)) + 3) % 60;
    set(1, bcd(second));
    set(3, 0xff);
    set(5, 0xc0);
    get(REG_C);
    uint64_t before = record.count;
    set(REG_B, B_24_HOURS | B_ALARM);
    halt_until_interrupt();
    int64_t error = (int64_t)(record.stamp - tick_stamp(ticks));
    set(REG_B, B_24_HOURS);
    diag("alarm: error %ld cycles, register C 0x%02x", error, flags);
    ok(record.count == before + 1 && (flags & 0xa0) == 0xa0, "alarm: with don't-care minutes and hours");
    ok(decimal(get(0)) == second, "at the second it was set to");
    ok_exact(error == 0, "M5 alarm: lateness 0");
}

// What no clock shows does not stop it, and a flood that nobody reads is one interrupt.
static void test_bad_values(void)
{
    static const uint8_t indices[] = { 0, 2, 4, 6, 7, 8, 9, CENTURY };
    uint8_t saved[ARRAY_LENGTH(indices)];
    for (unsigned i = 0; i < ARRAY_LENGTH(indices); i++) {
        saved[i] = get(indices[i]);
        set(indices[i], 0x7f);
    }
    halt_until(rdtsc() + 3 * platform.counter_hz);
    ok(platform.escapement ? get(0) <= 0x03 : true, "nonsense in every time byte: it ticks on");
    for (unsigned i = 0; i < ARRAY_LENGTH(indices); i++)
        set(indices[i], saved[i]);
    uint64_t before = record.count;
    trap_record(VECTOR_PIC + 8, acknowledge_blindly);
    set(REG_A, 0x23);
    get(REG_C);
    set(REG_B, B_24_HOURS | B_PERIODIC);
    halt_until(rdtsc() + 2 * platform.counter_hz);
    ok(record.count == before + 1, "8192 Hz with register C unread: one interrupt");
    set(REG_B, B_24_HOURS);
    get(REG_C);
}

static void test_long_run(void)
{
    uint64_t v0 = rdtsc(), first = seconds_shown();
    halt_until(tick_stamp(next_multiple(rdtsc(), CRYSTAL) + 200 * CRYSTAL) + 300000);
    wait_until(rdtsc() + 300000);
    uint64_t v1 = rdtsc(), last = seconds_shown();
    uint64_t exact = ticks_at(v1) / CRYSTAL - ticks_at(v0) / CRYSTAL;
    diag("%lu s by the RTC, %lu by the counter", last - first, exact);
    ok_exact(last - first == exact && exact == 201, "three minutes are as many seconds");
}

void test_main(void)
{
    plan(21);
    lapic_init(false);
    trap_set(VECTOR_TIMER, ignore_apic);
    trap_record(VECTOR_PIC + 8, acknowledge);
    test_wall_clock(cmdline_number("offset", 0));
    test_registers();
    reset_divider();
    test_update();
    get(REG_C);
    pic_init(1u << 8);
    test_interrupts("update-ended", B_UPDATE, CRYSTAL, 10);
    test_interrupts("periodic, 1024 Hz", B_PERIODIC, 32, 4096);
    set(REG_A, 0x23);
    test_interrupts("periodic, 8192 Hz", B_PERIODIC, 4, 8192);
    set(REG_A, A_RUN);
    test_alarm();
    test_bad_values();
    test_long_run();
}
