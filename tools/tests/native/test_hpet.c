// SPDX-License-Identifier: MIT
// The HPET: a counter that carries its remainder over months, one-shot and periodic deadlines to the cycle, comparators
// that a hostile guest would choose. Random programs against a reference are in test_hpet_reference.c.
#include "tools/tests/native/host.h"
#include "tools/tests/native/hpet_registers.h"

#define GHZ        UINT64_C(2399987123)
#define TIMER(n)   (0x100u + 0x20u * (n))
#define COMPARE(n) (TIMER(n) + 8)

// V of tick n after the origin.
static vtime_t tick_at(vtime_t origin, uint64_t n, uint64_t hz)
{
    return origin + (vtime_t)(((unsigned __int128)n * hz + 9999999) / 10000000);
}

static void test_counter(void **state)
{
    struct hpet hpet;
    uint64_t random = 2;
    vtime_t now = 12345, origin = now;
    (void)state;
    hpet_init(&hpet, GHZ);
    assert_int_equal(in(&hpet, 0xf0, 8, now), 0); // stopped
    out(&hpet, 0x10, 4, 1, now);
    for (unsigned reads = 0; reads < 100000; reads++) {
        now += host_random_range(&random, 0, GHZ * 100);
        if (reads % 16 == 0)
            out(&hpet, 0x10, 4, 1 + (reads & 32 ? 2 : 0), now); // a route is no reason to lose a fraction
        uint64_t must = (uint64_t)((unsigned __int128)(now - origin) * 10000000 / GHZ);
        assert_true(in(&hpet, 0xf0, 8, now) == must);
        assert_true(in(&hpet, 0xf4, 4, now) == must >> 32);
        assert_true(in(&hpet, 0xf0, 4, now) == (uint32_t)must);
    }
    print_message("# hpet: %llu days of V, every read exact\n", (unsigned long long)(now / GHZ / 86400));
}

static void test_halted_counter(void **state)
{
    struct hpet hpet;
    (void)state;
    hpet_init(&hpet, 100000000);
    out(&hpet, 0xf0, 8, 0x1fffffff0, 0);
    out(&hpet, 0x10, 4, 1, 1000);
    assert_true(in(&hpet, 0xf0, 8, 1000 + 167) == UINT64_C(0x200000000)); // carries into the upper half
    out(&hpet, 0xf0, 8, 5, 1167);                                         // running: not taken
    assert_true(in(&hpet, 0xf0, 8, 1170) == UINT64_C(0x200000001));
    out(&hpet, 0x10, 4, 0, 1175);
    assert_true(in(&hpet, 0xf0, 8, 99999) == UINT64_C(0x200000001)); // kept
    out(&hpet, 0xf4, 4, 0, 99999);
    out(&hpet, 0xf0, 4, 7, 99999);
    out(&hpet, 0x10, 4, 1, 100005);
    assert_int_equal(in(&hpet, 0xf0, 8, 100014), 7);
    assert_int_equal(in(&hpet, 0xf0, 8, 100015), 8);
}

static void test_capabilities(void **state)
{
    struct hpet hpet;
    (void)state;
    hpet_init(&hpet, GHZ);
    assert_true(in(&hpet, 0, 8, 0) == UINT64_C(0x05f5e1008086a101)); // 100 ns, 64 bits, legacy, 2 timers
    assert_int_equal(in(&hpet, 4, 4, 0), 100000000);
    out(&hpet, 0, 8, UINT64_MAX, 0);
    assert_int_equal(in(&hpet, 4, 4, 0), 100000000);
    for (unsigned n = 0; n < 2; n++) {
        assert_true(in(&hpet, TIMER(n), 8, 0) == UINT64_C(0x00f0000000000030));
        assert_true(in(&hpet, COMPARE(n), 8, 0) == UINT64_MAX);
        assert_int_equal(hpet_line(&hpet, n), HPET_NO_LINE);
        out(&hpet, TIMER(n), 4, 0xffffffff & ~0x3e00u, 0);
        assert_int_equal(in(&hpet, TIMER(n), 4, 0), 0x17e);
        assert_true(hpet_level_triggered(&hpet, n));
        for (unsigned pin = 0; pin < 32; pin++) {
            unsigned before = hpet_line(&hpet, n);
            out(&hpet, TIMER(n), 4, pin << 9, 0);
            assert_int_equal(hpet_line(&hpet, n), pin >= 20 && pin <= 23 ? pin : before);
        }
        assert_int_equal(in(&hpet, TIMER(n) + 0x10, 8, 0), 0); // no front side bus
    }
    assert_false(hpet_legacy(&hpet));
    out(&hpet, 0x10, 4, 2, 0);
    assert_true(hpet_legacy(&hpet));
    assert_int_equal(hpet_line(&hpet, 0), 0);
    assert_int_equal(hpet_line(&hpet, 1), 8);
    out(&hpet, 0x10, 4, 0, 0);
    assert_int_equal(hpet_line(&hpet, 0), 23); // each pin came back
    assert_int_equal(hpet_line(&hpet, 1), 23);
    for (unsigned at = TIMER(2); at < TIMER(3); at += 8) { // no third timer: not there, and nothing is kept
        out(&hpet, at, 8, UINT64_MAX, 0);
        assert_int_equal(in(&hpet, at, 8, 0), 0);
    }
}

static void test_widths(void **state)
{
    static const struct {
        unsigned at;
        uint8_t size;
    } bad[] = {
        { 0xf0, 1 }, { 0xf0, 2 }, { 0xf1, 4 }, { 0xf2, 4 }, { 0xf4, 8 }, { 0xf1, 8 }, { 0x3fe, 4 }, { 0x400, 4 }
    };
    struct hpet hpet;
    (void)state;
    hpet_init(&hpet, GHZ);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct io_access io = { .offset = bad[i].at, .size = bad[i].size, .value = UINT64_MAX, .is_write = true };
        assert_int_equal(hpet_ops.access(&hpet, &io, 0), IO_UNCLAIMED);
        assert_int_equal(port_result(&hpet_ops, &hpet, bad[i].at, bad[i].size), IO_UNCLAIMED);
    }
    assert_int_equal(in(&hpet, 0xf0, 8, 0), 0);
    assert_int_equal(in(&hpet, 0x3f8, 8, 0), 0);
}

static void test_one_shot(void **state)
{
    struct hpet hpet;
    uint64_t random = 6;
    vtime_t origin = 777, now = origin;
    (void)state;
    hpet_init(&hpet, GHZ);
    out(&hpet, TIMER(1), 4, 4, 0);
    out(&hpet, 0x10, 4, 1, origin);
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t at = in(&hpet, 0xf0, 8, now) + host_random_range(&random, 1, 1 << 24);
        out(&hpet, COMPARE(1), 8, at, now);
        vtime_t due = tick_at(origin, at, GHZ);
        assert_true(hpet_ops.next_deadline(&hpet) == due);
        hpet_ops.advance(&hpet, due - 1);
        assert_int_equal(hpet.timer[1].irq.rises, 0);
        assert_int_equal(hpet.timer[1].irq.level, 0); // since a tick before
        hpet_ops.advance(&hpet, due);
        assert_int_equal(irq_line_take_rises(&hpet.timer[1].irq), 1);
        assert_int_equal(hpet.timer[1].irq.level, 1);
        assert_true(hpet_ops.next_deadline(&hpet) == TIME_NEVER); // 2^64 ticks
        now = due + host_random_range(&random, 0, GHZ);
    }
    assert_int_equal(in(&hpet, 0x20, 4, now), 0); // no status of an edge
}

// Linux's way: set-value, the first comparator, then the period. Tick k stands at its own multiple for ever.
static void test_periodic(void **state)
{
    struct hpet hpet;
    vtime_t origin = 4711;
    (void)state;
    hpet_init(&hpet, GHZ);
    out(&hpet, 0x10, 4, 3, origin);
    out(&hpet, TIMER(0), 4, 0x14c, origin);
    out(&hpet, COMPARE(0), 4, 50000, origin);
    assert_int_equal(in(&hpet, TIMER(0), 4, origin), 0x13c); // set-value clears itself
    out(&hpet, COMPARE(0), 4, 40001, origin);
    assert_true(hpet_period_cycles(&hpet, 0) == 40001 * GHZ / 10000000);
    for (uint64_t k = 0; k < 300000; k++) { // past 2^32 ticks of a 32-bit comparator
        vtime_t due = tick_at(origin, 50000 + k * 40001, GHZ);
        assert_true(hpet_ops.next_deadline(&hpet) == due);
        hpet_ops.advance(&hpet, due);
        assert_int_equal(irq_line_take_rises(&hpet.timer[0].irq), 1);
    }
    assert_int_equal(in(&hpet, COMPARE(0), 8, tick_at(origin, 50000 + UINT64_C(299999) * 40001, GHZ)),
                     (uint32_t)(50000 + UINT64_C(300000) * 40001));
}

static void test_level(void **state)
{
    struct hpet hpet;
    (void)state;
    hpet_init(&hpet, 10000000);
    out(&hpet, TIMER(1), 4, 0x2a06 | 8 | 0x40, 0); // pin 21, level, periodic
    out(&hpet, COMPARE(1), 8, 100, 0);
    out(&hpet, 0x10, 4, 1, 0);
    hpet_ops.advance(&hpet, 99);
    assert_int_equal(hpet.timer[1].irq.level, 0);
    hpet_ops.advance(&hpet, 1000);
    assert_int_equal(hpet.timer[1].irq.level, 1);
    assert_int_equal(irq_line_take_rises(&hpet.timer[1].irq), 1);
    assert_true(hpet_ops.next_deadline(&hpet) == TIME_NEVER);
    assert_int_equal(in(&hpet, 0x20, 4, 1000), 2);
    out(&hpet, 0x20, 4, 5, 1000);
    assert_int_equal(hpet.timer[1].irq.level, 1);
    out(&hpet, 0x10, 4, 0, 1050); // disabled: no interrupt, but the status stays
    assert_int_equal(hpet.timer[1].irq.level, 0);
    assert_int_equal(in(&hpet, 0x20, 4, 1050), 2);
    out(&hpet, 0x10, 4, 1, 1050);
    out(&hpet, 0x20, 4, 2, 1060);
    assert_int_equal(hpet.timer[1].irq.level, 0);
    assert_int_equal(in(&hpet, COMPARE(1), 8, 1060), 1100);
    assert_true(hpet_ops.next_deadline(&hpet) == 1100);
}

// Periods of 0, 1 and the largest, over a jump of a century, are one division.
static void test_hostile_periods(void **state)
{
    static const uint64_t periods[] = { 0, 1, 2, 3, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63 };
    const vtime_t century = UINT64_C(3155760000) * 1000000000;
    (void)state;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        for (unsigned narrow = 0; narrow < 2; narrow++) {
            struct hpet hpet;
            hpet_init(&hpet, 1000000000);
            out(&hpet, TIMER(0), 4, narrow * 0x100 + 0x4c, 0);
            out(&hpet, COMPARE(0), 8, periods[i], 0);
            out(&hpet, 0x10, 4, 1, 0);
            hpet_ops.advance(&hpet, century);
            uint64_t period = narrow ? (uint32_t)periods[i] : periods[i], ticks = century / 100;
            if (period == 0)
                period = narrow ? UINT64_C(1) << 32 : UINT64_MAX;
            uint64_t must = ticks / period;
            assert_int_equal(hpet.timer[0].irq.rises, must > UINT32_MAX ? UINT32_MAX : must);
            assert_true(hpet_ops.next_deadline(&hpet) > century);
        }
    }
}

static void test_restart(void **state)
{
    struct hpet hpet;
    uint32_t stale;
    (void)state;
    hpet_init(&hpet, 10000000);
    out(&hpet, TIMER(0), 4, 0x4c, 0);
    out(&hpet, COMPARE(0), 8, 10, 0);
    out(&hpet, 0x10, 4, 1, 0);
    assert_true(hpet_take_restart(&hpet, 0, &stale));
    assert_int_equal(stale, 0);
    hpet_ops.advance(&hpet, 35);
    assert_false(hpet_take_restart(&hpet, 0, &stale));
    out(&hpet, COMPARE(0), 8, 5, 36);
    hpet_ops.advance(&hpet, 41);
    assert_true(hpet_take_restart(&hpet, 0, &stale));
    assert_int_equal(stale, 3); // 10, 20, 30
    assert_int_equal(hpet.timer[0].irq.rises, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter), cmocka_unit_test(test_halted_counter),  cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_widths),  cmocka_unit_test(test_one_shot),        cmocka_unit_test(test_periodic),
        cmocka_unit_test(test_level),   cmocka_unit_test(test_hostile_periods), cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests_name("hpet", tests, NULL, NULL);
}
