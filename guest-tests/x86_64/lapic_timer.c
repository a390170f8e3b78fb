// SPDX-License-Identifier: MIT
// The local APIC's timer: one-shot with all eight dividers, periodic, TSC deadline; in xAPIC and in x2APIC mode.
//
// M5: the handler's first instruction stands at the deadline, exactly. M6: 10^4 random deadlines, tiny and past ones
// among them, none early. M11: the current count at 10^5 random points. And the mode-change rules (SDM 3A 11.5.4).
#include "guest-tests/lib/x86_64/devices.h"

#define SPIN_BOUND  20000000u
// Two alarms closer than this may be merged into one exit by the monitor's documented limit; a nearer deadline may
// then be late by as much, never early.
#define ALARM_LIMIT 2000

static const char *mode_name;

static void acknowledge(void)
{
    lapic_write(APIC_EOI, 0);
}

static bool exactly_zero(const struct spread *spread, uint64_t count)
{
    return spread->count == count && spread->min == 0 && spread->max == 0;
}

static void start_one_shot(void)
{
    lapic_write(APIC_LVTT, VECTOR_TIMER);
}

static void test_dividers(void)
{
    static const unsigned divisors[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
    struct spread all = { 0 };
    start_one_shot();
    for (unsigned i = 0; i < ARRAY_LENGTH(divisors); i++) {
        struct spread spread = { 0 };
        lapic_divide(divisors[i]);
        for (unsigned round = 0; round < 20; round++) {
            uint32_t count = 5000 / divisors[i] + 301 * round + 17;
            uint64_t before = record.count;
            uint64_t origin = lapic_write_stamp(APIC_TMICT, count);
            if (!wait_for_record(before + 1, SPIN_BOUND))
                continue;
            int64_t error = (int64_t)(record.stamp - lapic_stamp(origin, count, divisors[i]));
            spread_add(&spread, error);
            spread_add(&all, error);
        }
        diag("M5 %s one-shot divide=%u n=%lu error min=%ld max=%ld", mode_name, divisors[i], spread.count, spread.min,
             spread.max);
    }
    ok_exact(all.count == 160 && all.min >= 0, "%s one-shot: all eight dividers, none early", mode_name);
    ok_exact(exactly_zero(&all, 160), "M5 %s one-shot: min = max = 0", mode_name);
    lapic_divide(1);
}

// Every tick against origin + k * period; `halted` waits by HLT, else by a loop.
static void test_periodic(uint32_t count, unsigned divisor, bool halted)
{
    struct spread spread = { 0 };
    uint64_t before = record.count;
    lapic_divide(divisor);
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    uint64_t origin = lapic_write_stamp(APIC_TMICT, count);
    for (uint64_t k = 1; k <= 1000; k++) {
        while (halted && record.count < before + k)
            halt_until_interrupt();
        if (!halted && !wait_for_record(before + k, SPIN_BOUND))
            break;
        spread_add(&spread, (int64_t)(record.stamp - lapic_stamp(origin, k * count, divisor)));
    }
    lapic_timer_stop();
    lapic_divide(1);
    diag("M5 %s periodic count=%u divide=%u %s n=%lu error min=%ld max=%ld", mode_name, count, divisor,
         halted ? "halted" : "running", spread.count, spread.min, spread.max);
    ok_exact(spread.count == 1000 && spread.min >= 0, "%s periodic: 1000 ticks, none early", mode_name);
    ok_exact(exactly_zero(&spread, 1000), "M5 %s periodic: min = max = 0", mode_name);
}

static void test_deadline(void)
{
    struct random random = { 11 };
    struct spread spread = { 0 };
    lapic_write(APIC_LVTT, LVT_DEADLINE | VECTOR_TIMER);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t deadline = rdmsr(0x10) + ALARM_LIMIT + random_next(&random) % 30000;
        uint64_t before = record.count;
        wrmsr(MSR_DEADLINE, deadline);
        if (!wait_for_record(before + 1, SPIN_BOUND))
            continue;
        spread_add(&spread, (int64_t)(record.stamp - deadline) - platform.read_bias);
    }
    diag("M5 %s deadline n=%lu error min=%ld max=%ld", mode_name, spread.count, spread.min, spread.max);
    ok_exact(spread.count == 1000 && spread.min >= 0, "%s TSC deadline: 1000, none early", mode_name);
    ok_exact(exactly_zero(&spread, 1000), "M5 %s TSC deadline: min = max = 0", mode_name);
    ok(rdmsr(MSR_DEADLINE) == 0, "%s the deadline MSR reads 0 after it fired", mode_name);
}

// M6. Tiny: 0..255 ahead; past: up to 10^6 ago (they fire at once, at the instruction after the WRMSR).
static void test_random_deadlines(unsigned rounds)
{
    struct random random = { 13 };
    struct spread tiny = { 0 }, far = { 0 }, past = { 0 };
    lapic_write(APIC_LVTT, LVT_DEADLINE | VECTOR_TIMER);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t draw = random_next(&random), deadline = rdmsr(0x10) + 200, before = record.count;
        unsigned kind = (unsigned)(draw % 3);
        draw >>= 8;
        deadline = kind == 0   ? deadline + draw % 256
                   : kind == 1 ? deadline + ALARM_LIMIT + draw % 8192
                               : deadline - 200 - draw % (1u + (deadline < 1000000 ? deadline / 2 : 1000000));
        interrupts_on();
        uint64_t armed = wrmsr_stamp(MSR_DEADLINE, deadline);
        if (!wait_for_record(before + 1, SPIN_BOUND))
            continue;
        uint64_t due = deadline + (uint64_t)platform.read_bias;
        int64_t error = (int64_t)(record.stamp - ((int64_t)(due - armed) < 0 ? armed : due));
        spread_add(kind == 0 ? &tiny : kind == 1 ? &far : &past, error);
    }
    diag("M6 %s deadlines=%lu late: tiny min=%ld max=%ld, far min=%ld max=%ld, past min=%ld max=%ld", mode_name,
         tiny.count + far.count + past.count, tiny.min, tiny.max, far.min, far.max, past.min, past.max);
    ok(tiny.count + far.count + past.count == rounds, "M6 %s every one of %u deadlines fired once", mode_name, rounds);
    ok_exact(tiny.min >= 0 && far.min >= 0 && past.min >= 0, "M6 %s none of them early", mode_name);
    ok_exact(far.max == 0, "M6 %s those %u cycles ahead or more are exact", mode_name, ALARM_LIMIT);
    ok_exact(tiny.max <= ALARM_LIMIT && past.max <= ALARM_LIMIT, "M6 %s the rest within the alarm limit", mode_name);
    ok_exact(past.max == 0, "M6 %s a deadline in the past fires at the next instruction", mode_name);
}

// M11: the current count, read at random points, against initial - floor(elapsed * bus / (Hz * divisor)).
static void test_count(bool periodic, uint32_t count, unsigned divisor, unsigned rounds)
{
    struct random random = { 17 + divisor };
    struct spread spread = { 0 };
    lapic_divide(divisor);
    lapic_write(APIC_LVTT, LVT_MASKED | (periodic ? LVT_PERIODIC : 0) | VECTOR_TIMER);
    uint64_t origin = lapic_write_stamp(APIC_TMICT, count);
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t value;
        for (uint64_t n = random_next(&random) % 64; n; n--)
            __asm__ volatile("");
        uint64_t stamp = lapic_read_stamp(APIC_TMCCT, &value);
        uint64_t ticks = mul_div_floor(stamp - origin, board.apic_hz, platform.counter_hz) / divisor;
        uint64_t expected = periodic ? count - ticks % count : ticks >= count ? 0 : count - ticks;
        spread_add(&spread, (int64_t)value - (int64_t)expected);
    }
    lapic_timer_stop();
    lapic_divide(1);
    diag("M11 %s %s count=%u divide=%u reads=%u error min=%ld max=%ld", mode_name, periodic ? "periodic" : "one-shot",
         count, divisor, rounds, spread.min, spread.max);
    if (periodic)
        ok_exact(exactly_zero(&spread, rounds), "M11 %s periodic: %u reads of TMCCT are the model's", mode_name,
                 rounds);
    else
        ok_counted(exactly_zero(&spread, rounds), "M11 %s one-shot: %u reads of TMCCT are the model's", mode_name,
                   rounds);
}

static void test_mode_changes(void)
{
    uint32_t value;
    lapic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
    uint64_t origin = lapic_write_stamp(APIC_TMICT, 1000000);
    lapic_write(APIC_LVTT, LVT_MASKED | LVT_PERIODIC | VECTOR_TIMER);
    uint64_t stamp = lapic_read_stamp(APIC_TMCCT, &value);
    uint64_t expected = 1000000 - mul_div_floor(stamp - origin, board.apic_hz, platform.counter_hz);
    ok_counted(value == expected, "%s one-shot to periodic keeps the running count (%u)", mode_name, value);
    lapic_write(APIC_TMICT, 0);
    ok(lapic_read(APIC_TMCCT) == 0, "%s an initial count of 0 stops the timer", mode_name);

    start_one_shot();
    uint64_t before = record.count;
    lapic_write(APIC_TMICT, 3000);
    ok(wait_for_record(before + 1, SPIN_BOUND) && lapic_read(APIC_TMCCT) == 0, "%s expired: the count is 0", mode_name);
    ok(!wait_for_record(before + 2, 10000), "%s one-shot fires once", mode_name);

    lapic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
    lapic_write(APIC_TMICT, 3000);
    wait_until(rdtsc() + 9000);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    ok(!wait_for_record(before + 2, 10000), "%s an expiry while masked is lost, not kept", mode_name);
}

static void test_deadline_modes(void)
{
    uint64_t before = record.count;
    lapic_timer_stop();
    start_one_shot();
    wrmsr(MSR_DEADLINE, rdmsr(0x10) + 100);
    ok(rdmsr(MSR_DEADLINE) == 0, "%s the deadline MSR is dead outside its mode", mode_name);
    ok(!wait_for_record(before + 1, 10000), "%s and does not fire", mode_name);
    lapic_write(APIC_TMICT, 1000000);
    lapic_write(APIC_LVTT, LVT_DEADLINE | VECTOR_TIMER);
    ok(lapic_read(APIC_TMCCT) == 0, "%s one-shot to deadline disarms the count", mode_name);
    uint64_t deadline = rdmsr(0x10) + 10000;
    wrmsr(MSR_DEADLINE, deadline);
    ok_exact(rdmsr(MSR_DEADLINE) == deadline, "%s an armed deadline reads back", mode_name);
    lapic_write(APIC_TMICT, 100);
    ok(lapic_read(APIC_TMCCT) == 0, "%s the count is dead in deadline mode", mode_name);
    wrmsr(MSR_DEADLINE, 0);
    ok_exact(!wait_for_record(before + 1, 20000), "%s writing 0 disarms", mode_name);
    wrmsr(MSR_DEADLINE, rdmsr(0x10) + 5000);
    start_one_shot();
    ok_exact(!wait_for_record(before + 1, 20000), "%s leaving the mode disarms", mode_name);
}

#define CLAIMS_COUNT    (2 + 6 + 4 + 5)
#define CLAIMS_DEADLINE (3 + 5 + 7)

static void test_mode(bool x2apic)
{
    mode_name = x2apic ? "x2APIC" : "xAPIC";
    lapic_init(x2apic);
    test_dividers();
    test_periodic(10007, 1, false);
    test_periodic(10007, 1, true);
    test_periodic(626, 16, false);
    test_count(false, 4000000, 1, 12500);
    test_count(false, 1000000, 8, 12500);
    test_count(true, 9973, 1, 12500);
    test_count(true, 997, 32, 12500);
    test_mode_changes();
    if (!lapic_has_deadline()) {
        for (unsigned i = 0; i < CLAIMS_DEADLINE; i++)
            skip("no TSC deadline here", "%s deadline %u", mode_name, i);
        return;
    }
    test_deadline();
    test_random_deadlines(5000);
    test_deadline_modes();
}

void test_main(void)
{
    plan(2 * (CLAIMS_COUNT + CLAIMS_DEADLINE));
    trap_record(VECTOR_TIMER, acknowledge);
    test_mode(false);
    if (lapic_has_x2apic())
        test_mode(true);
    else
        for (unsigned i = 0; i < CLAIMS_COUNT + CLAIMS_DEADLINE; i++)
            skip("no x2APIC here", "x2APIC %u", i);
}
