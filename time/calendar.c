// SPDX-License-Identifier: MIT
// The calendar's arithmetic: see calendar.h. Called by clocks that show a date; pure, and nothing is looped over.
//
// Counted from 1 March the leap day is the last of its year, so the lengths of the months before it follow one straight
// line, floor((153 * m + 2) / 5) days for m months from March. All counts are taken within one period of 400 years.
#include "time/calendar.h"

#define DAYS_400         146097u
#define JANUARY_FEBRUARY 60u // days from 1 January of the year 0, a leap year, to its 1 March
#define DAY              86400u
#define SATURDAY         6u // 1 January of the year 0

// Days from 1 March of the year 0 plus one period, so that dates before it are no negative numbers.
static uint32_t days_from_march(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = year + 400 - (month <= 2), in_period = y % 400;
    uint32_t months = month > 2 ? month - 3 : month + 9;
    uint32_t of_year = (153 * months + 2) / 5 + day - 1;
    return y / 400 * DAYS_400 + in_period * 365 + in_period / 4 - in_period / 100 + of_year;
}

uint64_t calendar_to_seconds(const struct calendar *date)
{
    uint64_t days = days_from_march(date->year, date->month, date->day) + JANUARY_FEBRUARY - DAYS_400;
    return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

struct calendar calendar_from_seconds(uint64_t seconds)
{
    uint32_t days = (uint32_t)(seconds / DAY) + DAYS_400 - JANUARY_FEBRUARY, of_day = (uint32_t)(seconds % DAY);
    uint32_t in_period = days % DAYS_400;
    uint32_t year = (in_period - in_period / 1460 + in_period / 36524 - in_period / 146096) / 365;
    uint32_t of_year = in_period - (365 * year + year / 4 - year / 100);
    uint32_t months = (5 * of_year + 2) / 153;
    uint32_t month = months < 10 ? months + 3 : months - 9;
    return (struct calendar){
        .year = days / DAYS_400 * 400 + year + (month <= 2) - 400,
        .month = month,
        .day = of_year - (153 * months + 2) / 5 + 1,
        .hour = of_day / 3600,
        .minute = of_day / 60 % 60,
        .second = of_day % 60,
    };
}

uint32_t calendar_days_in_month(uint32_t year, uint32_t month)
{
    if (month == 2)
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

uint32_t calendar_weekday(uint64_t seconds)
{
    return (uint32_t)((seconds / DAY + SATURDAY) % 7);
}
