// SPDX-License-Identifier: MIT
// The names that a simple-framebuffer's pixels have in a device tree (Linux, bindings/display/simple-framebuffer.yaml),
// for the one who reads them and for the one who writes them. Pure.
#ifndef BOOT_ARM64_SIMPLEFB_H
#define BOOT_ARM64_SIMPLEFB_H

#include "vmm/base/bootinfo.h"

#define SIMPLEFB_COMPATIBLE "simple-framebuffer"

// Fills in bits and colours. False: no pixels have that name.
bool simplefb_read_format(const char *name, struct boot_screen *screen);

// Null: these pixels have no name.
const char *simplefb_format_of(const struct boot_screen *screen);

#endif
