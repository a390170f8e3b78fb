// SPDX-License-Identifier: MIT
// Dates of the proleptic Gregorian calendar from seconds and back, in constant time. For clocks that count dates: the
// guest's RTC and the host's. No zones, no leap seconds: a day has 86400 seconds.
//
// Day 0 is 1 January of the year 0. A calendar that shows four digits of the year starts over after
// CALENDAR_SECONDS, on the same day of the week: 400 years are a whole number of weeks.
#ifndef TIME_CALENDAR_H
#define TIME_CALENDAR_H

#include <stdint.h>

#define CALENDAR_DAYS       3652425u // of the years 0 to 9999
#define CALENDAR_SECONDS    (UINT64_C(86400) * CALENDAR_DAYS)
#define CALENDAR_UNIX_EPOCH (UINT64_C(86400) * 719528) // 1 January 1970

struct calendar {
    uint32_t year;  // 0..9999
    uint32_t month; // 1..12
    uint32_t day;   // 1..31
    uint32_t hour, minute, second;
};

// The date must exist.
uint64_t calendar_to_seconds(const struct calendar *date);

// seconds must be below CALENDAR_SECONDS.
struct calendar calendar_from_seconds(uint64_t seconds);

// 1..12 only.
uint32_t calendar_days_in_month(uint32_t year, uint32_t month);

// 0 is Sunday.
uint32_t calendar_weekday(uint64_t seconds);

#endif
