// SPDX-License-Identifier: MIT
// The device tree that the monitor is given: the firmware's, or one of board_tree.c, with what the loader knows: the
// words of the menu, the modules, the screen, the time, and the memory as UEFI's map has it. boot/arm64/dtb.c reads it
// again. Pure, by libfdt.
#ifndef BOOT_EFI_ARM64_TREE_H
#define BOOT_EFI_ARM64_TREE_H

#include "vmm/base/bootinfo.h"

#define TREE_RANGES_MAX BOOT_MEMORY_MAX

struct tree {
    void    *fdt;
    int      error;     // the first one of libfdt
    bool     scattered; // more pieces of memory than there is room for
    uint32_t range_count;
    struct {
        uint64_t start, end;
    } ranges[TREE_RANGES_MAX]; // usable memory, sorted, none touches another
};

// Into `room` bytes at `memory`, a multiple of 8. What `from` says of memory and in /chosen of modules and screens
// goes. Null, or what is wrong with it.
const char *tree_open(struct tree *tree, void *memory, uint32_t room, const void *from);

void tree_words(struct tree *tree, const char *loader, const char *cmdline);
void tree_time(struct tree *tree, uint64_t seconds, uint64_t counter);
void tree_seed(struct tree *tree, const uint8_t *seed, uint32_t bytes); // bytes of chance, if it has none

// Null, or why the monitor cannot be told of it.
const char *tree_screen(struct tree *tree, const struct boot_screen *screen);

// The last one first: libfdt puts a new node in front of the others. Words that begin with "module" make it one of the
// kernel before it (vmm/main.c).
void tree_module(struct tree *tree, uint64_t address, uint64_t bytes, const char *words);

// Of the usable memory, what is not to be given away.
void tree_keep(struct tree *tree, uint64_t address, uint64_t bytes);

// Usable memory, in any order; begun again when the map has changed. Null, or why the tree must not be used.
void        tree_memory_begin(struct tree *tree);
void        tree_memory_add(struct tree *tree, uint64_t start, uint64_t bytes);
const char *tree_memory_end(struct tree *tree);

// Nothing more is added: it takes no more bytes than it has, which are returned.
uint32_t tree_close(struct tree *tree);

#endif
