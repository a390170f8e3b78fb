// SPDX-License-Identifier: MIT
// The first step of boot/arm64/main.c that needs more than a line.
#ifndef BOOT_ARM64_EARLY_H
#define BOOT_ARM64_EARLY_H

#include "vmm/base/bootinfo.h"

// Reads the loader's device tree, makes the board known and opens the log. Ends the host, with a sentence, when the
// tree is damaged. The result is valid for ever.
const struct bootinfo *early_bootinfo(const void *tree, htime_t handover);

#endif
