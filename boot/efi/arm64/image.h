// SPDX-License-Identifier: MIT
// The monitor's file on arm64: a raw image with the header of Linux' boot protocol
// (Documentation/arch/arm64/booting.rst), which runs wherever a page begins and wants as many bytes as the header says.
// Pure.
#ifndef BOOT_EFI_ARM64_IMAGE_H
#define BOOT_EFI_ARM64_IMAGE_H

#include <stddef.h>
#include <stdint.h>

// Null, with the bytes that it wants; else what is wrong with the file.
const char *image_read(const uint8_t *file, size_t size, uint64_t *bytes);

#endif
