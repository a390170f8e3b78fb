// SPDX-License-Identifier: MIT
// The MC146818's formats (data sheet, "Time, Calendar, and Alarm Locations"): BCD or binary, 12 or 24 hours, and the
// century where the FADT says it is. Called by host.c, once at boot. Nothing is believed that is no date.
#include "arch/x86_64/host/rtc.h"

#include <stdbool.h>

#include "time/calendar.h"

#define B_BINARY   0x04
#define B_24_HOURS 0x02
#define HOUR_PM    0x80
#define NO_NUMBER  UINT32_MAX

static uint32_t number_of(const struct hostrtc *rtc, uint8_t raw)
{
    if (rtc->status_b & B_BINARY)
        return raw;
    return raw >> 4 <= 9 && (raw & 15) <= 9 ? (raw >> 4) * 10u + (raw & 15u) : NO_NUMBER;
}

static uint32_t hour_of(const struct hostrtc *rtc)
{
    if (rtc->status_b & B_24_HOURS)
        return number_of(rtc, rtc->hour);
    uint32_t hour = number_of(rtc, rtc->hour & (uint8_t)~HOUR_PM);
    if (hour < 1 || hour > 12)
        return NO_NUMBER;
    return hour % 12 + (rtc->hour & HOUR_PM ? 12 : 0);
}

// Old firmware names a century register and leaves it empty: a century before this project's is none.
static uint32_t year_of(const struct hostrtc *rtc)
{
    uint32_t year = number_of(rtc, rtc->year), century = number_of(rtc, rtc->century);
    if (year > 99)
        return NO_NUMBER;
    return year + 100 * (century >= 20 && century <= 99 ? century : 20);
}

uint64_t hostrtc_seconds(const struct hostrtc *rtc)
{
    struct calendar date = {
        .year = year_of(rtc),
        .month = number_of(rtc, rtc->month),
        .day = number_of(rtc, rtc->day),
        .hour = hour_of(rtc),
        .minute = number_of(rtc, rtc->minute),
        .second = number_of(rtc, rtc->second),
    };
    bool time = date.hour < 24 && date.minute < 60 && date.second < 60;
    if (!time || date.year == NO_NUMBER || date.month < 1 || date.month > 12)
        return 0;
    if (date.day < 1 || date.day > calendar_days_in_month(date.year, date.month))
        return 0;
    return calendar_to_seconds(&date) - CALENDAR_UNIX_EPOCH;
}
