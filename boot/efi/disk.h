// SPDX-License-Identifier: MIT
// Files of the partition that the loader itself was started from.
#ifndef BOOT_EFI_DISK_H
#define BOOT_EFI_DISK_H

#include "boot/efi/firmware.h"

// A file's bytes, at page boundaries below firmware_memory_end with a zero after them. They take firmware_pages(size +
// 1).
struct file {
    uint64_t address, size;
};

// Opens the partition. Null: it is there; else what is wrong.
const char *disk_open(EFI_HANDLE loader);

// Reads a file of at most `size_max` bytes; its path has slashes and begins at the root of the partition. Null: it is
// there.
const char *disk_read(const char *path, uint64_t size_max, struct file *file);

// Writes a file anew. Null: it is on the partition as a whole.
const char *disk_write(const char *path, const void *bytes, uint64_t size);

void disk_delete(const char *path);

#endif
