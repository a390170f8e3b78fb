// SPDX-License-Identifier: MIT
// The calendar against one that counts day by day, over all ten thousand years, and against the C library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "time/calendar.h"
#include "tools/tests/native/host.h"

static bool leap(uint32_t year)
{
    return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
}

static void test_every_day(void **state)
{
    static const uint32_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    struct calendar expected = { .year = 0, .month = 1, .day = 1, .hour = 23, .minute = 59, .second = 58 };
    (void)state;
    for (uint64_t day = 0; day < CALENDAR_DAYS; day++) {
        uint64_t seconds = day * 86400 + 86398;
        struct calendar is = calendar_from_seconds(seconds);
        uint32_t length = lengths[expected.month - 1] + (expected.month == 2 && leap(expected.year));
        assert_memory_equal(&is, &expected, sizeof(is));
        assert_true(calendar_to_seconds(&expected) == seconds);
        assert_int_equal(calendar_days_in_month(expected.year, expected.month), length);
        if (++expected.day > length) {
            expected.day = 1;
            expected.year += expected.month == 12;
            expected.month = expected.month % 12 + 1;
        }
    }
    assert_int_equal(expected.year, 10000);
}

static void test_c_library(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t seconds = host_random_range(&random, 0, CALENDAR_SECONDS - 1);
        time_t unix_seconds = (time_t)seconds - (time_t)CALENDAR_UNIX_EPOCH;
        struct tm tm;
        assert_non_null(gmtime_r(&unix_seconds, &tm));
        struct calendar is = calendar_from_seconds(seconds);
        assert_int_equal(is.year, tm.tm_year + 1900);
        assert_int_equal(is.month, tm.tm_mon + 1);
        assert_int_equal(is.day, tm.tm_mday);
        assert_int_equal(is.hour, tm.tm_hour);
        assert_int_equal(is.minute, tm.tm_min);
        assert_int_equal(is.second, tm.tm_sec);
        assert_int_equal(calendar_weekday(seconds), tm.tm_wday);
        assert_true(calendar_to_seconds(&is) == seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_c_library),
    };
    return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
