// SPDX-License-Identifier: MIT
// The first step of boot/main.c that needs more than a line.
#ifndef BOOT_EARLY_H
#define BOOT_EARLY_H

#include "boot/bootinfo.h"

// Reads the loader's information and sends the log to the port that the command line names. Panics when it is damaged.
// The result is valid for ever.
const struct bootinfo *early_bootinfo(const void *information, htime_t handover);

#endif
