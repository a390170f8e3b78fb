// SPDX-License-Identifier: MIT
// The RTC's register file, shared by the files of the device: numbers of registers and their bits (MC146818A data
// sheet, "Address Map", "Registers"), and what rtc_time.c does for rtc.c.
#ifndef DEVICES_RTC_REGS_H
#define DEVICES_RTC_REGS_H

#include "devices/rtc.h"

enum rtc_register {
    SECOND = 0x00,
    MINUTE = 0x02,
    HOUR = 0x04,
    WEEKDAY = 0x06, // 1 is Sunday
    DAY = 0x07,
    MONTH = 0x08,
    YEAR = 0x09,
    REG_A = 0x0a,
    REG_B = 0x0b,
    REG_C = 0x0c,
    REG_D = 0x0d,
    CENTURY = 0x32,
};
#define ALARM       1u // behind second, minute and hour each

#define A_UIP       0x80u
#define A_DIVIDER   0x70u
#define A_RESET     0x60u // both bits: the divider is held
#define A_RATE      0x0fu
#define A_FIRMWARE  0x26u // 32768 Hz, 1024 Hz
#define B_SET       0x80u
#define B_UIE       0x10u
#define B_BINARY    0x04u
#define B_24_HOURS  0x02u
#define C_IRQ       0x80u
#define C_PERIODIC  0x40u // PF, AF and UF stand where PIE, AIE and UIE stand in register B
#define C_ALARM     0x20u
#define C_UPDATE    0x10u
#define C_FLAGS     0x70u
#define D_VALID     0x80u // the battery is good

#define UIP_TICKS   8u // 244 us
#define RELEASED    (RTC_TICKS / 2)
#define DAY_SECONDS 86400u

// Is this a byte of the time, alarms not included?
bool rtc_is_time(unsigned index);

// A byte of the time, out of the count of seconds.
uint8_t rtc_time_byte(const struct rtc *rtc, unsigned index);

// The guest is about to change what its time bytes are, or what they mean: from now on cmos[] has them.
void rtc_keep_time_bytes(struct rtc *rtc);

// The next update counts from what the guest has written.
void rtc_take_time_bytes(struct rtc *rtc);

// What the clock counts on from at the next update.
uint64_t rtc_shown_seconds(const struct rtc *rtc);

// Seconds from second `from` of a day to the alarm after it, 1..86400; 0 if there is none.
uint32_t rtc_alarm_distance(const struct rtc *rtc, uint32_t from);

#endif
