// SPDX-License-Identifier: MIT
// What the RTC's time and alarm bytes mean: BCD or binary, 12 or 24 hours (MC146818A data sheet, "Time, Calendar, and
// Alarm Locations"). Called by rtc.c; pure. The arithmetic of dates is in time/calendar.c.
#include "devices/rtc_regs.h"
#include "time/calendar.h"

#define HOUR_PM   0x80u
#define ALARM_ANY 0xc0u // both bits: any value matches
#define NO_MATCH  UINT32_MAX

// --- bytes and numbers ----------------------------------------------------------------------------------------------

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static uint32_t number_of(const struct rtc *rtc, uint8_t byte)
{
    return rtc->cmos[REG_B] & B_BINARY ? byte : (byte >> 4) * 10u + (byte & 15u);
}

static uint8_t byte_of(const struct rtc *rtc, uint32_t number)
{
    return (uint8_t)(rtc->cmos[REG_B] & B_BINARY ? number : number / 10 << 4 | number % 10);
}

static uint32_t hour_of(const struct rtc *rtc, uint8_t byte)
{
    if (rtc->cmos[REG_B] & B_24_HOURS)
        return clamp(number_of(rtc, byte), 0, 23);
    uint32_t hour = clamp(number_of(rtc, byte & (uint8_t)~HOUR_PM), 1, 12) % 12;
    return hour + (byte & HOUR_PM ? 12 : 0);
}

static uint8_t hour_byte(const struct rtc *rtc, uint32_t hour)
{
    if (rtc->cmos[REG_B] & B_24_HOURS)
        return byte_of(rtc, hour);
    return (uint8_t)(byte_of(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0));
}

bool rtc_is_time(unsigned index)
{
    return index <= YEAR ? index == DAY || (index & 1) == 0 || index == YEAR : index == CENTURY;
}

uint8_t rtc_time_byte(const struct rtc *rtc, unsigned index)
{
    struct calendar date = calendar_from_seconds(rtc->seconds);
    switch (index) {
    case SECOND: return byte_of(rtc, date.second);
    case MINUTE: return byte_of(rtc, date.minute);
    case HOUR: return hour_byte(rtc, date.hour);
    case WEEKDAY: return byte_of(rtc, (calendar_weekday(rtc->seconds) + rtc->weekday_shift) % 7 + 1);
    case DAY: return byte_of(rtc, date.day);
    case MONTH: return byte_of(rtc, date.month);
    case YEAR: return byte_of(rtc, date.year % 100);
    default: return byte_of(rtc, date.year / 100);
    }
}

// What the time bytes of the guest mean to the next update: each is the nearest value that the clock can show.
static uint64_t written_seconds(const struct rtc *rtc)
{
    const uint8_t *cmos = rtc->cmos;
    struct calendar date = {
        .year = clamp(number_of(rtc, cmos[CENTURY]), 0, 99) * 100 + clamp(number_of(rtc, cmos[YEAR]), 0, 99),
        .month = clamp(number_of(rtc, cmos[MONTH]), 1, 12),
        .hour = hour_of(rtc, cmos[HOUR]),
        .minute = clamp(number_of(rtc, cmos[MINUTE]), 0, 59),
        .second = clamp(number_of(rtc, cmos[SECOND]), 0, 59),
    };
    date.day = clamp(number_of(rtc, cmos[DAY]), 1, calendar_days_in_month(date.year, date.month));
    return calendar_to_seconds(&date);
}

uint64_t rtc_shown_seconds(const struct rtc *rtc)
{
    return rtc->written ? written_seconds(rtc) : rtc->seconds;
}

void rtc_keep_time_bytes(struct rtc *rtc)
{
    if (rtc->written)
        return;
    for (unsigned i = 0; i <= YEAR; i++)
        if (rtc_is_time(i))
            rtc->cmos[i] = rtc_time_byte(rtc, i);
    rtc->cmos[CENTURY] = rtc_time_byte(rtc, CENTURY);
    rtc->written = true;
}

void rtc_take_time_bytes(struct rtc *rtc)
{
    if (!rtc->written)
        return;
    rtc->seconds = written_seconds(rtc);
    uint32_t weekday = clamp(number_of(rtc, rtc->cmos[WEEKDAY]), 1, 7) - 1;
    rtc->weekday_shift = (uint8_t)((weekday + 7 - calendar_weekday(rtc->seconds)) % 7);
    rtc->written = false;
}

// --- the alarm ------------------------------------------------------------------------------------------------------

struct pattern {
    bool any;
    uint32_t value; // NO_MATCH: no clock ever shows it
};

static struct pattern alarm_pattern(const struct rtc *rtc, unsigned index, uint32_t limit)
{
    uint8_t byte = rtc->cmos[index + ALARM];
    if (byte >= ALARM_ANY)
        return (struct pattern){ .any = true };
    uint32_t value = index == HOUR ? hour_of(rtc, byte) : number_of(rtc, byte);
    uint8_t shown = index == HOUR ? hour_byte(rtc, value) : byte_of(rtc, value);
    return (struct pattern){ .value = value < limit && shown == byte ? value : NO_MATCH };
}

static bool passes(struct pattern pattern, uint32_t value)
{
    return pattern.any || pattern.value == value;
}

// Each place is moved up to its pattern; when it moves, the places below it start at their least, and beyond its end
// the place above counts one.
uint32_t rtc_alarm_distance(const struct rtc *rtc, uint32_t from)
{
    struct pattern second = alarm_pattern(rtc, SECOND, 60), minute = alarm_pattern(rtc, MINUTE, 60);
    struct pattern hour = alarm_pattern(rtc, HOUR, 24);
    if (second.value == NO_MATCH || minute.value == NO_MATCH || hour.value == NO_MATCH)
        return 0;
    uint32_t s = (from + 1) % 60, m = (from + 1) / 60 % 60, h = (from + 1) / 3600;
    if (!passes(second, s)) {
        m += s > second.value;
        s = second.value;
    }
    if (m == 60) {
        m = 0;
        h++;
    }
    if (!passes(minute, m)) {
        h += m > minute.value;
        m = minute.value;
        s = second.value;
    }
    if (!passes(hour, h)) {
        h = h > hour.value ? hour.value + 24 : hour.value;
        m = minute.value;
        s = second.value;
    }
    return (h * 60 + m) * 60 + s - from;
}
