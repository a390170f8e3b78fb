// SPDX-License-Identifier: MIT
// The menu on the firmware's console: before the hand-over, because after it there may be no keyboard.
#ifndef BOOT_EFI_CHOOSE_H
#define BOOT_EFI_CHOOSE_H

#include "boot/efi/firmware.h"
#include "boot/efi/menu.h"

// The number of the entry that was chosen, by a person, or by itself after `timeout_s` seconds without a key.
uint32_t choose_entry(const struct menu *menu, uint32_t timeout_s);

// Waits for a key, at most so long. False: none came, or it is Esc.
bool choose_wait(uint32_t seconds);

#endif
