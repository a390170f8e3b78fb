// SPDX-License-Identifier: MIT
// The monitor's image as the loader places it: the loaded segments of a 64-bit ELF file (System V ABI, chapter 5) for
// x86-64, linked at the physical addresses where they belong. Pure.
#ifndef BOOT_EFI_X86_64_ELFIMAGE_H
#define BOOT_EFI_X86_64_ELFIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELFIMAGE_PIECES_MAX 8

// Bytes of the file to `to`, and zeros after them.
struct elfimage_piece {
    uint64_t to, from, bytes, zeros;
};

struct elfimage {
    uint64_t              start, end; // of all pieces
    uint32_t              entry, count;
    struct elfimage_piece pieces[ELFIMAGE_PIECES_MAX];
};

// `from` is an address: file + the segment's offset. Null: it can be placed; else what is wrong with the file.
const char *elfimage_read(const uint8_t *file, size_t size, struct elfimage *image);

#endif
