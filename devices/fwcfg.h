// SPDX-License-Identifier: MIT
// QEMU's firmware configuration device, ports 0x510 (16-bit selector) and 0x511 (data), as far as test kernels ask it:
// is it there, how many processors, how much RAM (QEMU docs/specs/fw_cfg). No DMA, no files, nothing to be written.
#ifndef DEVICES_FWCFG_H
#define DEVICES_FWCFG_H

#include "devices/device.h"

struct fwcfg {
    uint64_t ram_bytes;
    uint32_t offset; // of the next byte in the selected item
    uint16_t cpus;
    uint16_t key;
};

void fwcfg_init(struct fwcfg *fwcfg, uint64_t ram_bytes, unsigned cpus);

extern const struct device_ops fwcfg_ops;

#endif
