// SPDX-License-Identifier: MIT
// The HPET: its main counter against the TSC to the instruction, one-shot and periodic timers on the lines that legacy
// replacement gives them (M5: lateness 0), and the 8254 off its line meanwhile.
//
// IA-PC HPET specification 1.0a, 2.3. Enabling the counter is a tick; all else follows from that stamp.
#include "guest-tests/lib/x86_64/devices.h"

#define HPET             0xfed00000u
#define CAPS             0x000u
#define CONFIG           0x010u
#define STATUS           0x020u
#define COUNTER          0x0f0u
#define TIMER(n)         (0x100u + 0x20u * (n))
#define COMPARE(n)       (0x108u + 0x20u * (n))
#define ENABLE           1u
#define LEGACY           2u
#define T_LEVEL          0x002u
#define T_INTERRUPT      0x004u
#define T_PERIODIC       0x008u
#define T_SET_VALUE      0x040u
#define T_32_BITS        0x100u
#define IOAPIC           0xfec00000u
#define VECTOR_PIN       0x90u
#define ENTRY_ACTIVE_LOW 0x02000u
#define ENTRY_LEVEL      0x08000u
#define ENTRY_MASKED     0x10000u
#define FS_PER_S         1000000000000000u

static uint64_t hpet_hz, origin, base;

static uint32_t get(uint32_t reg)
{
    return read32(HPET + reg);
}

static void set(uint32_t reg, uint32_t value)
{
    write32(HPET + reg, value);
}

static void set_timer(unsigned n, uint32_t config)
{
    set(TIMER(n), (get(TIMER(n)) & 0x3e00u) | config);
}

static void enable(uint32_t config)
{
    base = get(COUNTER);
    origin = write32_stamp(HPET + CONFIG, config);
}

static uint64_t stamp_of(uint64_t count)
{
    return origin + mul_div_ceil(count - base, platform.counter_hz, hpet_hz);
}

static void acknowledge_0(void)
{
    pic_eoi(0);
}

static void acknowledge_8(void)
{
    pic_eoi(8);
}

static void acknowledge_pin(void)
{
    set(STATUS, 2); // of an edge-triggered timer there is none
    lapic_write(APIC_EOI, 0);
}

static void set_pin(unsigned pin, uint32_t destination, uint32_t low)
{
    write32(IOAPIC, 0x11 + 2 * pin);
    write32(IOAPIC + 0x10, destination & 0xff000000);
    write32(IOAPIC, 0x10 + 2 * pin);
    write32(IOAPIC + 0x10, low);
}

static void test_capabilities(void)
{
    uint32_t caps = get(CAPS);
    hpet_hz = FS_PER_S / get(CAPS + 4);
    diag("HPET: %lu Hz, ID 0x%08x", hpet_hz, caps);
    ok((caps >> 13 & 1) && (caps >> 15 & 1) && (caps >> 8 & 31) >= 1, "64 bits, legacy replacement, two timers");
    ok_exact(get(CAPS + 4) == 100000000, "a tick is 100 ns");
}

static void test_counter(void)
{
    struct random random = { 11 };
    struct spread error = { 0 };
    set(CONFIG, 0);
    set(COUNTER, 0xfff00000);
    set(COUNTER + 4, 0);
    ok(get(COUNTER) == 0xfff00000 && get(COUNTER) == 0xfff00000, "halted, the counter stands where it was set");
    enable(ENABLE);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t value, stamp;
        wait_until(rdtsc() + 80 + random_next(&random) % 1000);
        stamp = read32_stamp(HPET + COUNTER, &value);
        uint64_t exact = base + mul_div_floor(stamp - origin, hpet_hz, platform.counter_hz);
        spread_add(&error, (int64_t)((uint32_t)value - (uint32_t)exact));
    }
    diag("counter: reads=%lu error min=%ld max=%ld ticks", error.count, error.min, error.max);
    ok_exact(error.min == 0 && error.max == 0, "20,000 reads are floor(V * Hz' / Hz) from the enabling");
    uint64_t wrap = stamp_of(0x100000000), far = wrap + platform.counter_hz;
    halt_until(far);
    ok(get(COUNTER + 4) == 1, "it carries into its upper half");
    set(CONFIG, 0);
    uint32_t stopped = get(COUNTER);
    wait_until(rdtsc() + 100000);
    ok(get(COUNTER) == stopped, "disabled, it keeps its value");
}

static void test_one_shot(void)
{
    struct random random = { 12 };
    struct spread error = { 0 };
    uint64_t before = record.count;
    trap_record(VECTOR_PIC, acknowledge_0);
    set(CONFIG, 0);
    set(COUNTER, 0);
    set(COUNTER + 4, 0);
    set_timer(0, T_32_BITS);
    set(COMPARE(0), 0x7fffffff);
    set_timer(0, T_32_BITS | T_INTERRUPT);
    enable(ENABLE | LEGACY);
    pic_init(1); // now that the 8254 is off the line
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t at = get(COUNTER) + 1000 + (uint32_t)(random_next(&random) % 100000);
        set(COMPARE(0), at);
        halt_until_interrupt();
        spread_add(&error, (int64_t)(record.stamp - stamp_of(at)));
    }
    diag("one-shot: error min=%ld max=%ld cycles", error.min, error.max);
    ok(record.count == before + 1000, "one-shot: 1000 of 1000 arrived on IRQ 0");
    ok_exact(error.min >= 0, "M6 none early");
    ok_exact(error.min == 0 && error.max == 0, "M5 one-shot: lateness 0 for all of them");
}

static void test_pit_is_off(void)
{
    uint64_t before = record.count;
    set_timer(0, T_32_BITS);
    pit_start(0, 2, 1193);
    halt_until(rdtsc() + platform.counter_hz / 50);
    ok(record.count == before, "the 8254 does not reach IRQ 0 meanwhile");
    set(CONFIG, ENABLE);
    halt_until(rdtsc() + platform.counter_hz / 50);
    ok(record.count >= before + 19 && record.count <= before + 20, "and does when legacy replacement is off again");
    pit_start(0, 0, 0);
}

// Tick k stands at first + k * period, for every k.
static void test_periodic(uint64_t ticks)
{
    const uint32_t first = 30000, period = 9973;
    struct spread error = { 0 };
    uint64_t last = 0, lost = 0;
    set(CONFIG, 0);
    pic_init(1u << 8);
    trap_record(VECTOR_PIC + 8, acknowledge_8);
    uint64_t before = record.count;
    set(COUNTER, 0);
    set(COUNTER + 4, 0);
    set_timer(1, T_32_BITS | T_INTERRUPT | T_PERIODIC | T_SET_VALUE);
    set(COMPARE(1), first);
    set(COMPARE(1), period);
    enable(ENABLE | LEGACY);
    for (uint64_t i = 0; i < ticks; i++) {
        halt_until_interrupt();
        uint64_t count = mul_div_floor(record.stamp - origin, hpet_hz, platform.counter_hz);
        uint64_t k = (count - first) / period;
        lost += i > 0 ? k - last - 1 : 0;
        last = k;
        spread_add(&error, (int64_t)(record.stamp - stamp_of(first + k * period)));
    }
    diag("periodic: %lu ticks, the last is number %lu, error min=%ld max=%ld cycles", ticks, last, error.min,
         error.max);
    ok_exact(record.count == before + ticks, "periodic: %lu ticks on IRQ 8", ticks);
    ok_exact(lost == 0 && last == ticks - 1, "M7 none lost, none doubled");
    ok_exact(error.min == 0 && error.max == 0, "M5 periodic: each at its own multiple of the period");
    set_timer(1, T_32_BITS);
}

// Timer 1 on a pin of the IOAPIC, active low like all of the PCI bus, as edges or as a level.
static void test_pin(const char *name, unsigned pin, uint32_t type, uint32_t entry, uint64_t ticks)
{
    const uint32_t first = 30000, period = 3571;
    struct spread error = { 0 };
    bool in_turn = true;
    set(CONFIG, 0);
    pic_init(0);
    trap_record(VECTOR_PIN, acknowledge_pin);
    uint64_t before = record.count;
    set(COUNTER, 0);
    set(COUNTER + 4, 0);
    set(TIMER(1), pin << 9 | type | T_32_BITS | T_INTERRUPT | T_PERIODIC | T_SET_VALUE);
    set(COMPARE(1), first);
    set(COMPARE(1), period);
    set_pin(pin, lapic_read(APIC_ID), ENTRY_ACTIVE_LOW | entry | VECTOR_PIN);
    enable(ENABLE);
    for (uint64_t k = 0; k < ticks; k++) {
        halt_until_interrupt();
        in_turn = in_turn && record.count == before + k + 1;
        spread_add(&error, (int64_t)(record.stamp - stamp_of(first + k * period)));
    }
    set(CONFIG, 0);
    set_pin(pin, 0, ENTRY_MASKED);
    diag("%s, pin %u: error min=%ld max=%ld cycles", name, pin, error.min, error.max);
    ok_exact(in_turn, "%s: %lu ticks on pin %u", name, ticks, pin);
    ok_exact(error.min == 0 && error.max == 0, "M5 %s: each at its own multiple of the period", name);
}

static void test_level(void)
{
    set(CONFIG, 0);
    set(STATUS, 3);
    set(COUNTER, 0);
    set(COUNTER + 4, 0);
    set(TIMER(1), 20u << 9 | T_32_BITS | T_LEVEL | T_INTERRUPT); // at the IOAPIC its pin is masked
    set(COMPARE(1), 1000);
    enable(ENABLE);
    wait_until(rdtsc() + 200);
    bool clear = !(get(STATUS) & 2);
    halt_until(stamp_of(1000) + 100000);
    wait_until(rdtsc() + 100000);
    ok_exact(clear && get(STATUS) & 2, "a level-triggered timer sets its status bit");
    set(STATUS, 5);
    bool stays = get(STATUS) & 2;
    set(STATUS, 2);
    ok(stays && !(get(STATUS) & 2), "which stays until 1 is written to it");
    set_timer(1, 0);
}

// A periodic timer whose period is nothing, or one tick, on a line that nobody serves: time goes on.
static void test_tiny_periods(void)
{
    static const uint32_t periods[] = { 0, 1, 2, 3 };
    pic_init(0);
    for (unsigned i = 0; i < ARRAY_LENGTH(periods); i++) {
        set(CONFIG, 0);
        for (unsigned n = 0; n < 2; n++) {
            set_timer(n, T_32_BITS | T_INTERRUPT | T_PERIODIC | T_SET_VALUE);
            set(COMPARE(n), get(COUNTER) + 100);
            set(COMPARE(n), periods[i]);
        }
        set(TIMER(1), 20u << 9 | T_32_BITS | T_INTERRUPT | T_PERIODIC);
        set(CONFIG, ENABLE | (i & 1 ? LEGACY : 0));
        wait_until(rdtsc() + 1000000);
    }
    uint32_t before = get(COUNTER);
    wait_until(rdtsc() + 100000);
    ok(get(COUNTER) != before, "periods of 0 to 3 ticks stop nothing");
    set(CONFIG, 0);
}

static void ignore_apic(struct trap *trap)
{
    (void)trap;
    lapic_write(APIC_EOI, 0);
}

void test_main(void)
{
    plan(21);
    lapic_init(false);
    trap_set(VECTOR_TIMER, ignore_apic);
    test_capabilities();
    test_counter();
    test_one_shot();
    test_pit_is_off();
    test_periodic(cmdline_number("ticks", 20000));
    test_pin("edge", 20, 0, 0, 5000);
    test_pin("level", 21, T_LEVEL, ENTRY_LEVEL, 5000);
    test_level();
    test_tiny_periods();
}
