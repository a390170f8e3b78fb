// SPDX-License-Identifier: MIT
// The screen's mode (UEFI 2.10, 12.9, Graphics Output Protocol).
#ifndef BOOT_EFI_PICTURE_H
#define BOOT_EFI_PICTURE_H

#include "boot/efi/firmware.h"
#include "vmm/base/bootinfo.h"

// Sets the mode that the menu names, if there is one (0: as it is), and tells where its pixels are; kind none: there is
// no screen, or none that can be drawn on. Null, or what is not as it was asked for.
const char *picture_set(uint32_t width, uint32_t height, struct boot_screen *out);

#endif
