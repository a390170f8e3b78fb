// SPDX-License-Identifier: MIT
// The machine's half of the seam (arch/arch.h), where it is not a file of its own: waiting, console, log, wall clock.
#include "arch/arch.h"
#include "arch/arm64/host/pci.h"
#include "arch/arm64/host/rtc.h"
#include "arch/arm64/host/timer.h"
#include "arch/arm64/host/uart.h"

// An interrupt that is masked wakes the CPU all the same (Arm ARM D1.6.2); it stays pending until it is asked for.
void arch_idle(htime_t until)
{
    hosttimer_arm(until);
    arm64_wfi();
    arch_take_interrupts();
}

void arch_write(enum arch_channel channel, const void *bytes, size_t count)
{
    if (channel == ARCH_LOG && hostpci_has_serial())
        hostpci_write(bytes, count);
    else
        hostuart_write(bytes, count);
}

int arch_console_read(void)
{
    return hostuart_read();
}

uint64_t arch_wall_seconds(void)
{
    return hostrtc_seconds();
}
