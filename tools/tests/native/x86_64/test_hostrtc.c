// SPDX-License-Identifier: MIT
// The machine's RTC in all its formats against the C library's dates, and registers that hold no date.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "arch/x86_64/host/rtc.h"
#include "tools/tests/native/host.h"

static uint8_t raw(int value, uint8_t status_b)
{
    return (uint8_t)(status_b & 4 ? value : value / 10 * 16 + value % 10);
}

static struct hostrtc registers(time_t t, uint8_t b, bool century)
{
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    struct hostrtc rtc = {
        .second = raw(tm.tm_sec, b),
        .minute = raw(tm.tm_min, b),
        .hour = raw(tm.tm_hour, b),
        .day = raw(tm.tm_mday, b),
        .month = raw(tm.tm_mon + 1, b),
        .year = raw(tm.tm_year % 100, b),
        .century = century ? raw(19 + tm.tm_year / 100, b) : 0,
        .status_b = b,
    };
    if (!(b & 2))
        rtc.hour = (uint8_t)(raw(tm.tm_hour % 12 == 0 ? 12 : tm.tm_hour % 12, b) | (tm.tm_hour >= 12 ? 0x80 : 0));
    return rtc;
}

static void test_formats(void **state)
{
    static const uint8_t formats[] = { 0, 2, 4, 6 };
    uint64_t random = 8;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        time_t t = (time_t)host_random_range(&random, 946684800, 7258118399); // 2000 to 2199
        bool century = t >= 4102444800 || i & 1;
        struct hostrtc rtc = registers(t, formats[i / 2 % 4], century);
        assert_true(hostrtc_seconds(&rtc) == (uint64_t)t);
    }
}

static void test_no_date(void **state)
{
    const struct hostrtc good = registers(1767225600, 2, true);
    struct hostrtc bad[] = { good, good, good, good, good, good, good, good, { 0 } };
    (void)state;
    assert_true(hostrtc_seconds(&good) == 1767225600);
    bad[0].second = 0x60;
    bad[1].minute = 0x5a;
    bad[2].hour = 0x24;
    bad[3].day = 0;
    bad[4].month = 0x13;
    bad[5].year = 0xff;
    bad[6].day = 0x32;
    bad[7].status_b = 0; // 12 hours: there is no hour 0
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(hostrtc_seconds(&bad[i]), 0);
    struct hostrtc nobody = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    assert_int_equal(hostrtc_seconds(&nobody), 0);
    struct hostrtc stale = good;
    stale.century = 0x19;
    assert_true(hostrtc_seconds(&stale) == 1767225600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_no_date),
    };
    return cmocka_run_group_tests_name("hostrtc", tests, NULL, NULL);
}
