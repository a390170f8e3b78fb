// SPDX-License-Identifier: MIT
// The last step on x86-64: the image to its place, and out of the firmware's 64-bit mode.
#ifndef BOOT_EFI_X86_64_HANDOVER_H
#define BOOT_EFI_X86_64_HANDOVER_H

// Offsets in struct handover, for handover.S.
#define HANDOVER_ENTRY  0
#define HANDOVER_INFO   4
#define HANDOVER_MAGIC  8
#define HANDOVER_COUNT  12
#define HANDOVER_PIECES 16

#ifndef __ASSEMBLER__
#include "boot/efi/x86_64/elfimage.h"

struct handover {
    uint32_t              entry, info, magic, count;
    struct elfimage_piece pieces[ELFIMAGE_PIECES_MAX];
};
_Static_assert(offsetof(struct handover, pieces) == HANDOVER_PIECES, "for handover.S");
_Static_assert(sizeof(struct elfimage_piece) == 32, "for handover.S");

// The code from handover_start to handover_end runs anywhere below 4 GiB, with a page of stack before it: it is called
// with the description in *handover, which lies there, too. After ExitBootServices; does not return.
extern const uint8_t handover_start[], handover_end[];
typedef void __attribute__((sysv_abi)) handover_fn(const struct handover *handover);
#endif

#endif
