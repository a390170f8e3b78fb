// SPDX-License-Identifier: MIT
// The steps of boot/arm64/main.c that need more than a line.
#ifndef BOOT_ARM64_EARLY_H
#define BOOT_ARM64_EARLY_H

#include "vmm/base/bootinfo.h"

// Reads the loader's device tree, makes the board known and opens the log. Ends the host, with a sentence, when the
// tree is damaged. The result is valid for ever.
const struct bootinfo *early_bootinfo(const void *tree, htime_t handover);

// Does the monitor's command line want the counter's rate measured? One that cannot be understood does not: it is
// refused later, by vmm_main().
bool early_counter_measured(const struct bootinfo *info);

#endif
