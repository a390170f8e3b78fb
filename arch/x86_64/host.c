// SPDX-License-Identifier: MIT
// The machine's half of the seam (arch/arch.h): counter, interrupts, console, wall clock, the end.
#include "arch/arch.h"
#include "arch/x86_64/hostserial.h"
#include "arch/x86_64/hosttimer.h"
#include "arch/x86_64/idt.h"
#include "arch/x86_64/poweroff.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/x86.h"

htime_t arch_counter_read(void)
{
    return x86_rdtsc();
}

uint64_t arch_counter_hz(void)
{
    return tsc_hz();
}

// The alarm is stopped first. It runs on while the monitor works, and one that goes off there ends the next slice
// before its first instruction; with a deadline nearer than the monitor's own work, every slice after that one too.
void arch_take_interrupts(void)
{
    hosttimer_stop();
    host_irqs_take();
}

void arch_console_write(const uint8_t *bytes, size_t count)
{
    hostserial_write(HOSTSERIAL_COM1, (const char *)bytes, count);
}

int arch_console_read(void)
{
    return hostserial_read();
}

void arch_machine_exit(unsigned status)
{
    machine_exit(status);
}

// --- the MC146818 that every PC has ----------------------------------------------------------------------------------

#define RTC_INDEX      0x70
#define RTC_DATA       0x71
#define RTC_A_UPDATING 0x80
#define RTC_B_BINARY   0x04
#define RTC_B_24_HOURS 0x02
#define RTC_PM         0x80
#define UPDATE_POLLS   100000 // an update takes at most 2 ms (data sheet); a dead chip must not stop us

static uint8_t rtc_read(uint8_t index)
{
    x86_out8(RTC_INDEX, index);
    return x86_in8(RTC_DATA);
}

static unsigned rtc_number(uint8_t raw, uint8_t status_b)
{
    return (status_b & RTC_B_BINARY) != 0 ? raw : (raw >> 4) * 10u + (raw & 15u);
}

// Days from 1970-01-01 to the first day of that month, in the proleptic Gregorian calendar.
static uint64_t days_before(unsigned year, unsigned month)
{
    static const uint16_t before_month[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    uint64_t past = year - 1;
    uint64_t days = past * 365 + past / 4 - past / 100 + past / 400 + before_month[month - 1] - 719162;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days + (leap && month > 2 ? 1 : 0);
}

uint64_t arch_wall_seconds(void)
{
    for (unsigned polls = 0; polls < UPDATE_POLLS && (rtc_read(0x0a) & RTC_A_UPDATING) != 0; polls++)
        x86_pause();
    uint8_t b = rtc_read(0x0b), hour_raw = rtc_read(4);
    unsigned second = rtc_number(rtc_read(0), b), minute = rtc_number(rtc_read(2), b);
    unsigned day = rtc_number(rtc_read(7), b), month = rtc_number(rtc_read(8), b);
    unsigned year = 2000 + rtc_number(rtc_read(9), b);
    unsigned hour = rtc_number(hour_raw & (uint8_t)~RTC_PM, b);
    if ((b & RTC_B_24_HOURS) == 0)
        hour = hour % 12 + ((hour_raw & RTC_PM) != 0 ? 12 : 0);
    if (month < 1 || month > 12 || day < 1)
        return 0;
    return ((days_before(year, month) + day - 1) * 24 + hour) * 3600 + minute * 60 + second;
}
