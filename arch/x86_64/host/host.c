// SPDX-License-Identifier: MIT
// The host's half of the seam (arch/host.h): counter, console, wall clock. Its rate is tsc.c's, the end poweroff.c's.
#include <string.h>

#include "arch/host.h"
#include "arch/x86_64/host/acpi_host.h"
#include "arch/x86_64/host/keyboard.h"
#include "arch/x86_64/host/rtc.h"
#include "arch/x86_64/host/serial.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/picture/hostscreen.h"

htime_t arch_counter_read(void)
{
    return x86_rdtsc();
}

void arch_write(enum arch_channel channel, const void *bytes, size_t count)
{
    hostserial_write(channel == ARCH_LOG ? hostserial_log_port() : HOSTSERIAL_COM1, bytes, count);
    hostscreen_write(bytes, count);
}

int arch_console_read(void)
{
    int read = hostserial_read();
    return read >= 0 || !hostscreen_shown() ? read : hostkeyboard_read();
}

// --- the MC146818 that every PC has ----------------------------------------------------------------------------------

#define RTC_INDEX      0x70
#define RTC_DATA       0x71
#define RTC_A_UPDATING 0x80
#define UPDATE_POLLS   100000 // an update takes at most 2 ms (data sheet); a dead chip must not stop us
#define SAMPLES        8

static uint8_t rtc_read(uint8_t index)
{
    x86_out8(RTC_INDEX, index);
    return x86_in8(RTC_DATA);
}

static bool rtc_idle(void)
{
    for (unsigned polls = 0; polls < UPDATE_POLLS; polls++) {
        if ((rtc_read(0x0a) & RTC_A_UPDATING) == 0)
            return true;
        x86_pause();
    }
    return false;
}

static struct hostrtc rtc_sample(void)
{
    uint8_t century = acpi_host()->rtc_century;
    return (struct hostrtc){
        .second = rtc_read(0),
        .minute = rtc_read(2),
        .hour = rtc_read(4),
        .day = rtc_read(7),
        .month = rtc_read(8),
        .year = rtc_read(9),
        .century = century != 0 ? rtc_read(century) : 0,
        .status_b = rtc_read(0x0b),
    };
}

// No update can come between two samples that are equal. Firmware that works in system management mode may hold us up
// in the middle of one, longer than the 244 us for which the chip promises that none will begin.
uint64_t arch_wall_seconds(void)
{
    for (unsigned i = 0; i < SAMPLES && rtc_idle(); i++) {
        struct hostrtc first = rtc_sample(), second = rtc_sample();
        if (memcmp(&first, &second, sizeof(first)) == 0)
            return hostrtc_seconds(&first);
    }
    return 0;
}
