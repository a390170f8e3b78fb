// SPDX-License-Identifier: MIT
// The last step on arm64: out of the caches, out of the firmware's translation, into the image.
#ifndef BOOT_EFI_ARM64_ENTER_H
#define BOOT_EFI_ARM64_ENTER_H

#include <stdint.h>

struct enter_range {
    uint64_t start, end;
};

// Writes back, and forgets, what the caches hold of each range until one that is empty, turns the MMU off as Linux'
// boot protocol wants it, and enters the image at `entry`, at the exception level that this is called at. After
// ExitBootServices.
_Noreturn void enter_monitor(const struct enter_range *ranges, uint64_t entry, const void *tree);

#endif
