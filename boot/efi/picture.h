// SPDX-License-Identifier: MIT
// The screen's mode (UEFI 2.10, 12.9, Graphics Output Protocol).
#ifndef BOOT_EFI_PICTURE_H
#define BOOT_EFI_PICTURE_H

#include "boot/efi/boottags.h"
#include "boot/efi/firmware.h"

// Sets the mode that the menu names, if there is one (0: as it is), and tells where its pixels are. False: there is no
// screen, or none that can be drawn on: *why says which.
bool picture_set(uint32_t width, uint32_t height, struct boottags_framebuffer *out, const char **why);

#endif
