// SPDX-License-Identifier: MIT
// MC146818A real-time clock and its CMOS memory, ports 0x70 and 0x71, as a PC has it: a crystal of 32768 Hz, 128 bytes,
// the century at 0x32, the memory sizes where firmware leaves them. Its interrupt is IRQ 8.
//
// One counter of crystal ticks drives all: an update is due at each multiple of 32768, a periodic interrupt at each
// multiple of its rate, UIP is shown for the last 8 ticks (244 us) before an update. Tick n of an origin comes at
// V = origin + ceil(n * hz / 32768), so a second is hz cycles of V for ever. A divider reset moves the origin: the
// first update comes 500 ms after its release.
//
// Time bytes that the guest has written are kept as they are until the next update; there, one that no clock shows
// (month 0x7f, BCD nonsense, 31 February) becomes the nearest that it could show, and from then on all is arithmetic on
// one count of seconds. Data mode and 12/24 hours do not convert the time bytes, as on the chip.
//
// Periods while the interrupt is high and unread are one flag, as on the chip, so no rate costs more than the guest's
// own reads of register C. Ignored: DSE, as in the chipsets since, SQWE, which has no pin here, and bit 7 of port 0x70,
// which masks an NMI that no device of this machine raises.
#ifndef DEVICES_RTC_H
#define DEVICES_RTC_H

#include "devices/device.h"
#include "time/ratio.h"

#define RTC_PORT  0x70 // index, then data
#define RTC_TICKS 32768u

struct rtc {
    struct irq_line irq;    // IRQ 8
    struct ratio per_cycle; // ticks of the crystal in a cycle of V
    vtime_t origin;         // V of a tick
    uint64_t phase;         // what the divider showed there
    uint64_t ticks;         // what it shows at `seen`; whole seconds are counted on
    uint64_t seconds;       // what the clock shows, since 1 January of the year 0, below CALENDAR_SECONDS
    vtime_t seen;           // the latest V that everything is brought up to
    uint8_t index;
    uint8_t written;       // time bytes in cmos[] wait for an update; `seconds` is stale
    uint8_t weekday_shift; // added to the calendar's day of the week: the guest sets it independently
    uint8_t reserved[5];
    uint8_t cmos[128]; // time bytes count only while `written`
};

// The clock shows unix_seconds, since 1970, at V = 0. guest_hz, the rate of V, must be at least 65536.
void rtc_init(struct rtc *rtc, uint64_t guest_hz, int64_t unix_seconds, uint64_t ram_bytes);

extern const struct device_ops rtc_ops;

#endif
