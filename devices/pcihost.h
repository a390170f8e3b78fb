// SPDX-License-Identifier: MIT
// PCI configuration space by mechanism #1, ports 0xcf8 and 0xcfc..0xcff (PCI Local Bus 3.0, 3.2.2.3.2). Bus 0 has a
// host bridge at 00.0 and an ISA bridge at 1f.0, enough for a guest to believe in its chipset. All of it is read-only,
// and every other function reads as all ones: nobody there.
#ifndef DEVICES_PCIHOST_H
#define DEVICES_PCIHOST_H

#include "devices/device.h"

struct pcihost {
    uint32_t address; // CONFIG_ADDRESS
};

void pcihost_init(struct pcihost *pcihost);

extern const struct device_ops pcihost_ops;

#endif
