// SPDX-License-Identifier: MIT
// The ACPI fixed hardware of the guest's PC: PM1 event and control block, and the power-management timer (ACPI 6.4,
// 4.8.3).
//
//   0x600 PM1_STS, 16 bit, write 1 to clear      0x604 PM1_CNT, 16 bit
//   0x602 PM1_EN,  16 bit                        0x608 PM_TMR, 32-bit register, 24 bits count (FADT: TMR_VAL_EXT = 0)
//
// The timer is floor(V * 3579545 / hz) from V = 0, so it carries every remainder. TMR_STS is set whenever its bit 23
// changes, each 2^23 ticks or 2.34 s. `sci` is level triggered. SCI_EN reads 1 for ever: there is no SMI command port,
// so the machine is in ACPI mode from the start.
#ifndef DEVICES_PMTIMER_H
#define DEVICES_PMTIMER_H

#include "devices/device.h"

#define PMTIMER_HZ   3579545u
#define PMTIMER_PORT 0x600 // 16 ports

struct pmtimer {
    struct irq_line sci;
    uint64_t hz;      // cycles of V in a second
    uint64_t changes; // changes of bit 23 that status knows of
    vtime_t seen;     // V of the last call
    uint16_t status;
    uint16_t enable;
    uint16_t control;
    uint8_t power_off;
    uint8_t reserved;
};

// guest_hz, the rate of V, must be at least 3579545.
void pmtimer_init(struct pmtimer *pmtimer, uint64_t guest_hz);

extern const struct device_ops pmtimer_ops;

// The guest wrote SLP_EN with the SLP_TYP of S5: 5, as our DSDT says, or 0, which QEMU's chipset uses for the same.
bool pmtimer_power_off(const struct pmtimer *pmtimer);

#endif
