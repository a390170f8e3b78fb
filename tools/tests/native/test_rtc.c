// SPDX-License-Identifier: MIT
// The RTC: its seconds against the C library over centuries, the data sheet's times to the cycle, what a hostile guest
// writes. Random programs against a reference chip are in test_rtc_reference.c.
#include <time.h>

#include "tools/tests/native/host.h"
#include "tools/tests/native/rtc_ports.h"

#define GHZ   UINT64_C(2399987123)
#define MIB   (UINT64_C(1) << 20)
#define START 1767225600 // 2026-01-01, a Thursday

// The V of tick n of the crystal.
static vtime_t tick_at(uint64_t n, uint64_t hz)
{
    return (vtime_t)(((unsigned __int128)n * hz + 32767) / 32768);
}

static unsigned bcd(int value)
{
    return (unsigned)(value / 10 * 16 + value % 10);
}

static void assert_shows(struct rtc *rtc, int64_t unix_seconds, vtime_t now)
{
    time_t t = (time_t)unix_seconds;
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    assert_int_equal(get(rtc, 0, now), bcd(tm.tm_sec));
    assert_int_equal(get(rtc, 2, now), bcd(tm.tm_min));
    assert_int_equal(get(rtc, 4, now), bcd(tm.tm_hour));
    assert_int_equal(get(rtc, 6, now), tm.tm_wday + 1);
    assert_int_equal(get(rtc, 7, now), bcd(tm.tm_mday));
    assert_int_equal(get(rtc, 8, now), bcd(tm.tm_mon + 1));
    assert_int_equal(get(rtc, 9, now), bcd(tm.tm_year % 100));
    assert_int_equal(get(rtc, 0x32, now), bcd(19 + tm.tm_year / 100));
}

// A second is hz cycles of V, from any epoch, over any time: 240 years of V at 2.4 GHz, and nothing is lost or gained.
static void test_no_drift(void **state)
{
    static const int64_t epochs[] = { 0, START, 951782400, 4107542399, 13574563199, -2208988800, 9999999999 };
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
        struct rtc rtc;
        vtime_t now = 0;
        rtc_init(&rtc, GHZ, epochs[i], 64 * MIB);
        for (unsigned reads = 0; reads < 2000; reads++) {
            assert_shows(&rtc, epochs[i] + (int64_t)(now / GHZ), now);
            vtime_t second = (now / GHZ + 1) * GHZ;
            assert_shows(&rtc, epochs[i] + (int64_t)(second / GHZ) - 1, second - 1);
            assert_shows(&rtc, epochs[i] + (int64_t)(second / GHZ), second);
            now = second + host_random_range(&random, 0, GHZ * 3600 * 24 * 40);
        }
    }
}

static void test_uip(void **state)
{
    struct rtc rtc;
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    for (uint64_t second = 1; second < 1000; second++) {
        vtime_t begin = tick_at(second * 32768 - 8, GHZ), end = second * GHZ; // 244 us
        assert_int_equal(get(&rtc, 10, begin - 1), 0x26);
        assert_int_equal(get(&rtc, 10, begin), 0xa6);
        assert_int_equal(get(&rtc, 10, end - 1), 0xa6);
        assert_int_equal(get(&rtc, 12, end - 1) & 0x10, 0); // update ended: UF and UIP change together
        assert_int_equal(get(&rtc, 10, end), 0x26);
        assert_int_equal(get(&rtc, 12, end) & 0x10, 0x10);
    }
    put(&rtc, 11, 0x82, 1000 * GHZ - 1); // SET clears UIP
    assert_int_equal(get(&rtc, 10, 1000 * GHZ - 1), 0x26);
}

static void test_set_stops_updates(void **state)
{
    struct rtc rtc;
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    put(&rtc, 11, 0x92, GHZ / 2);
    assert_int_equal(get(&rtc, 11, GHZ / 2), 0x82); // a rising SET clears UIE
    assert_shows(&rtc, START, 1000 * GHZ);
    assert_int_equal(get(&rtc, 12, 1000 * GHZ) & 0x30, 0);
    put(&rtc, 11, 0x02, 1000 * GHZ + 1);
    assert_shows(&rtc, START, 1001 * GHZ - 1);
    assert_shows(&rtc, START + 1, 1001 * GHZ); // the divider went on
}

// Linux's way of setting the clock: SET, divider reset, bytes, then both back.
static void test_divider_reset(void **state)
{
    struct rtc rtc;
    vtime_t release = 5 * GHZ + 12345;
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    put(&rtc, 10, 0x66, 3 * GHZ + 1);
    assert_shows(&rtc, START + 3, 5 * GHZ);
    assert_int_equal(get(&rtc, 12, 5 * GHZ) & 0x50, 0x50); // from before
    assert_int_equal(get(&rtc, 12, 5 * GHZ), 0);
    put(&rtc, 10, 0x26, release);
    assert_shows(&rtc, START + 3, release + GHZ / 2);
    assert_shows(&rtc, START + 4, release + GHZ / 2 + 1); // GHZ is odd
    for (uint64_t n = 1; n < 10; n++) {
        vtime_t update = release + tick_at(16384 + n * 32768, GHZ);
        assert_shows(&rtc, START + 3 + (int64_t)n, update - 1);
        assert_shows(&rtc, START + 4 + (int64_t)n, update);
    }
}

static void test_periodic(void **state)
{
    (void)state;
    for (unsigned rate = 1; rate < 16; rate++) {
        uint64_t ticks = rate == 1 ? 128 : rate == 2 ? 256 : UINT64_C(1) << (rate - 1);
        struct rtc rtc;
        rtc_init(&rtc, GHZ, START, 64 * MIB);
        put(&rtc, 10, (uint8_t)(0x20 | rate), 0);
        put(&rtc, 11, 0x42, 0);
        for (uint64_t k = 1; k <= 3000; k++) {
            vtime_t due = tick_at(k * ticks, GHZ);
            assert_true(rtc_ops.next_deadline(&rtc) == due);
            rtc_ops.advance(&rtc, due - 1);
            assert_int_equal(rtc.irq.level, 0);
            rtc_ops.advance(&rtc, due);
            assert_int_equal(irq_line_take_rises(&rtc.irq), 1);
            assert_true(rtc_ops.next_deadline(&rtc) == TIME_NEVER); // until register C is read
            assert_int_equal(get(&rtc, 12, due) & 0xc0, 0xc0);
            assert_int_equal(rtc.irq.level, 0);
        }
        vtime_t later = tick_at(3000 * ticks, GHZ) + 100 * GHZ; // all that passes unread is one flag
        rtc_ops.advance(&rtc, later);
        assert_int_equal(irq_line_take_rises(&rtc.irq), 1);
        assert_int_equal(get(&rtc, 12, later), 0xd0); // and 100 seconds were updates
        assert_int_equal(get(&rtc, 12, later), 0);
    }
}

// Every pattern of don't-care and given bytes, against trying each second of two days.
static void test_alarm(void **state)
{
    uint64_t random = 4;
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        struct rtc rtc;
        int wanted[3];
        static const int limits[] = { 60, 60, 24 };
        int64_t start = START + (int64_t)host_random_range(&random, 0, 86399);
        rtc_init(&rtc, 65536, start, 64 * MIB);
        for (unsigned k = 0; k < 3; k++) {
            wanted[k] = host_random(&random) & 1 ? -1 : (int)host_random_range(&random, 0, (uint64_t)limits[k] - 1);
            uint8_t any = (uint8_t)(0xc0 | host_random_range(&random, 0, 63));
            put(&rtc, (uint8_t)(1 + 2 * k), wanted[k] < 0 ? any : (uint8_t)bcd(wanted[k]), 0);
        }
        put(&rtc, 11, 0x22, 0);
        int64_t t = start;
        bool match;
        do {
            int at[3] = { (int)(++t % 60), (int)(t / 60 % 60), (int)(t / 3600 % 24) };
            match = true;
            for (unsigned k = 0; k < 3; k++)
                match &= wanted[k] < 0 || wanted[k] == at[k];
        } while (!match);
        assert_true(rtc_ops.next_deadline(&rtc) == (uint64_t)(t - start) * 65536);
        rtc_ops.advance(&rtc, (uint64_t)(t - start) * 65536 - 1);
        assert_int_equal(rtc.irq.level, 0);
        rtc_ops.advance(&rtc, (uint64_t)(t - start) * 65536);
        assert_int_equal(rtc.irq.level, 1);
    }
}

static void test_alarm_that_never_matches(void **state)
{
    struct rtc rtc;
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    for (unsigned byte = 0x60; byte < 0xc0; byte++) { // no second in BCD
        put(&rtc, 1, (uint8_t)byte, 0);
        put(&rtc, 3, 0xff, 0);
        put(&rtc, 5, 0xff, 0);
        put(&rtc, 11, 0x22, 0);
        assert_true(rtc_ops.next_deadline(&rtc) == TIME_NEVER);
    }
    rtc_ops.advance(&rtc, GHZ * 86400 * 3);
    assert_int_equal(get(&rtc, 12, GHZ * 86400 * 3) & 0xa0, 0);
}

static void test_twelve_hours_and_binary(void **state)
{
    struct rtc rtc;
    static const uint8_t twelve[] = { 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    put(&rtc, 11, 0x84, 0); // SET, binary, 12 hours
    static const uint8_t bytes[][2] = { { 0, 59 }, { 2, 59 }, { 4, 0x80 + 11 }, { 6, 7 },    { 7, 28 },
                                        { 8, 2 },  { 9, 0 },  { 0x32, 24 },     { 11, 0x04 } };
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
        put(&rtc, bytes[i][0], bytes[i][1], 0);
    for (unsigned hour = 0; hour < 48; hour++) {
        vtime_t now = GHZ * (1 + 3600 * hour);
        assert_int_equal(get(&rtc, 4, now), twelve[hour % 12] | (hour % 24 >= 12 ? 0x80 : 0));
        assert_int_equal(get(&rtc, 7, now), hour < 24 ? 29 : 1); // 2400 is a leap year
        assert_int_equal(get(&rtc, 8, now), hour < 24 ? 2 : 3);
        assert_int_equal(get(&rtc, 6, now), hour < 24 ? 1 : 2);
    }
}

// What no clock shows stays as written until the update, and is the nearest possible from then on.
static void test_nonsense(void **state)
{
    struct rtc rtc;
    static const uint8_t indices[] = { 0, 2, 4, 6, 7, 8, 9, 0x32 };
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    for (size_t i = 0; i < sizeof(indices); i++)
        put(&rtc, indices[i], 0x7f, 0);
    for (size_t i = 0; i < sizeof(indices); i++)
        assert_int_equal(get(&rtc, indices[i], GHZ - 1), 0x7f);
    assert_int_equal(get(&rtc, 0, GHZ), 0x00); // 59 + 1, and so all the way up
    assert_int_equal(get(&rtc, 2, GHZ), 0x00);
    assert_int_equal(get(&rtc, 4, GHZ), 0x00);
    assert_int_equal(get(&rtc, 7, GHZ), 0x01);
    assert_int_equal(get(&rtc, 8, GHZ), 0x01);
    put(&rtc, 8, 0x02, GHZ);
    put(&rtc, 7, 0x31, GHZ); // 31 February
    assert_int_equal(get(&rtc, 7, 2 * GHZ), 0x28);
}

static void test_memory_sizes(void **state)
{
    static const struct {
        uint64_t ram;
        unsigned above_1m, above_16m, above_4g;
    } rows[] = {
        { 1 * MIB, 0, 0, 0 },
        { 16 * MIB, 15 * 1024, 0, 0 },
        { 64 * MIB, 63 * 1024, 48 * 16, 0 },
        { 2048 * MIB, 0xffff, 2032 * 16, 0 },
        { 6144 * MIB, 0xffff, 0xffff, 2048 * 16 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rtc rtc;
        unsigned sum = 0;
        rtc_init(&rtc, GHZ, START, rows[i].ram);
        assert_int_equal(get(&rtc, 0x15, 0) | get(&rtc, 0x16, 0) << 8, 640);
        assert_int_equal(get(&rtc, 0x17, 0) | get(&rtc, 0x18, 0) << 8, rows[i].above_1m);
        assert_int_equal(get(&rtc, 0x30, 0) | get(&rtc, 0x31, 0) << 8, rows[i].above_1m);
        assert_int_equal(get(&rtc, 0x34, 0) | get(&rtc, 0x35, 0) << 8, rows[i].above_16m);
        assert_int_equal(get(&rtc, 0x5b, 0) | get(&rtc, 0x5c, 0) << 8 | get(&rtc, 0x5d, 0) << 16, rows[i].above_4g);
        for (uint8_t at = 0x10; at <= 0x2d; at++)
            sum += get(&rtc, at, 0);
        assert_int_equal(get(&rtc, 0x2e, 0) << 8 | get(&rtc, 0x2f, 0), sum);
    }
}

static void test_ports(void **state)
{
    struct rtc rtc;
    (void)state;
    rtc_init(&rtc, GHZ, START, 64 * MIB);
    assert_int_equal(get(&rtc, 13, 0), 0x80); // the battery is good
    put(&rtc, 13, 0, 0);
    put(&rtc, 12, 0xff, 0);
    assert_int_equal(get(&rtc, 13, 0), 0x80);
    assert_int_equal(get(&rtc, 12, 0), 0);
    put(&rtc, 0x40, 0x5a, 0);
    assert_int_equal(get(&rtc, 0xc0, 0), 0x5a); // bit 7 masks NMIs and is no part of the index
    assert_int_equal(port_in(&rtc_ops, &rtc, 0x70, 1, 0), 0xff);
    port_out(&rtc_ops, &rtc, 0x70, 2, 0x1741, 0); // both ports at once
    assert_int_equal(get(&rtc, 0x41, 0), 0x17);
    assert_int_equal(port_in(&rtc_ops, &rtc, 0x71, 4, 0), 0xffffff17);
    assert_int_equal(port_result(&rtc_ops, &rtc, 0x72, 1), IO_UNCLAIMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_uip),
        cmocka_unit_test(test_set_stops_updates),
        cmocka_unit_test(test_divider_reset),
        cmocka_unit_test(test_periodic),
        cmocka_unit_test(test_alarm),
        cmocka_unit_test(test_alarm_that_never_matches),
        cmocka_unit_test(test_twelve_hours_and_binary),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_memory_sizes),
        cmocka_unit_test(test_ports),
    };
    return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
