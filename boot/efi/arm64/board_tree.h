// SPDX-License-Identifier: MIT
// A device tree of a board, as boot/arm64/board_dtb.c reads it again: for firmware that has none of its own. Pure, by
// libfdt.
#ifndef BOOT_EFI_ARM64_BOARD_TREE_H
#define BOOT_EFI_ARM64_BOARD_TREE_H

#include "arch/arm64/host/board.h"

#define BOARD_TREE_BYTES 4096u // enough for every board

// Without memory and without /chosen, which tree.c adds. False: it does not fit into `room` bytes.
bool board_tree_write(const struct board *board, void *tree, uint32_t room);

#endif
