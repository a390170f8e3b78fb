// SPDX-License-Identifier: MIT
// The nodes of a device tree that libfdt has checked: where they are, what they say. Damaged values are absent. A node
// is its offset in the structure block, as in libfdt; the root is 0.
#ifndef BOOT_ARM64_DTB_NODE_H
#define BOOT_ARM64_DTB_NODE_H

#include <stdbool.h>
#include <stdint.h>

struct board;
struct boot_screen;

struct dtb_range {
    uint64_t start, size;
};

// The node that follows in the tree; *depth, of the one before, becomes its own. Below 0: there is none.
int dtb_next(const void *tree, int node, int *depth);

// The child of the root that has this name, and the parent of a node; below 0: there is none.
int dtb_child_of_root(const void *tree, const char *name);
int dtb_parent(const void *tree, int node);

// A property's value and length; null when there is none.
const void *dtb_property(const void *tree, int node, const char *name, int *bytes);

bool dtb_compatible(const void *tree, int node, const char *compatible);

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

// A property that is one 64-bit number; 0 when there is none.
uint64_t dtb_number(const void *tree, int node, const char *name);

void dtb_read_board(const void *tree, struct board *out);

// The first that can be understood; else *out stays as it is.
void dtb_read_screen(const void *tree, int chosen, struct boot_screen *out);

#endif
