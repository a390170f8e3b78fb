// SPDX-License-Identifier: MIT
// The host's half of the seam (arch/host.h), where it is not a file of its own: console, log, wall clock.
#include "arch/host.h"
#include "arch/arm64/host/pci.h"
#include "arch/arm64/host/rtc.h"
#include "arch/arm64/host/uart.h"
#include "vmm/picture/hostscreen.h"

void arch_write(enum arch_channel channel, const void *bytes, size_t count)
{
    if (channel == ARCH_LOG && hostpci_has_serial())
        hostpci_write(bytes, count);
    else
        hostuart_write(bytes, count);
    hostscreen_write(bytes, count);
}

int arch_console_read(void)
{
    return hostuart_read();
}

uint64_t arch_wall_seconds(void)
{
    const struct board *b = board();
    if (b->rtc != 0 || b->start_seconds == 0)
        return hostrtc_seconds();
    return b->start_seconds + (arch_counter_read() - b->start_counter) / arch_counter_hz();
}
