// SPDX-License-Identifier: MIT
// The results of a run, over a reset: before the monitor is entered the loader sets memory aside for what it says
// (vmm/base/remains.h), and writes in running.txt where; when the machine starts again it makes results.txt of that.
#ifndef BOOT_EFI_RESULTS_H
#define BOOT_EFI_RESULTS_H

#include "boot/efi/firmware.h"

struct results_place {
    uint64_t address, run; // run 0: no memory could be set aside
};

// Sets the memory aside, and looks what the last run has left there: written to results.txt, and said. What cannot be
// written is shown page by page; what the firmware has cleared is said to be lost.
void results_collect(void);

// For the run that begins now; says why if a reset will lose what it says.
void results_prepare(struct results_place *place);
void results_release(const struct results_place *place); // it did not begin

#endif
