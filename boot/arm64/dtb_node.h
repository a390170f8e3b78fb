// SPDX-License-Identifier: MIT
// One node of a device tree that libfdt has checked: where it is, what it says. Damaged values are absent.
#ifndef BOOT_ARM64_DTB_NODE_H
#define BOOT_ARM64_DTB_NODE_H

#include <stdbool.h>
#include <stdint.h>

struct board;

struct dtb_range {
    uint64_t start, size;
};

// Its part `index` of reg, as the CPU sees it: through the ranges of every bus above. False: there is none.
bool dtb_reg(const void *tree, int node, unsigned index, struct dtb_range *out);

// A property that is a string with its end; null when there is none.
const char *dtb_string(const void *tree, int node, const char *name);

// A property of 32-bit numbers, `index` of them; `otherwise` when there is none.
uint32_t dtb_cell(const void *tree, int node, const char *name, unsigned index, uint32_t otherwise);

// No status, or one that says it is there.
bool dtb_enabled(const void *tree, int node);

// The first enabled node with this compatible, below 0 when there is none.
int dtb_find(const void *tree, const char *compatible);

void dtb_read_board(const void *tree, struct board *out);

#endif
