// SPDX-License-Identifier: MIT
// What the loader's device tree says (Devicetree specification 0.4; Linux, Documentation/devicetree/bindings), in
// neutral words and as a board. Pure, by libfdt: every length is checked, a damaged tree gives a sentence.
#ifndef BOOT_ARM64_DTB_H
#define BOOT_ARM64_DTB_H

#include "arch/arm64/host/board.h"
#include "vmm/base/bootinfo.h"

#define DTB_TEXT_BYTES 4096

// In /chosen, of our own loader for UEFI (boot/efi): its name; and the firmware's time of day, in seconds since 1970,
// with the counter's value (CNTPCT) when it was asked.
#define DTB_LOADER  "escapement,loader"
#define DTB_SECONDS "escapement,seconds"
#define DTB_COUNTER "escapement,counter"

struct dtb {
    struct bootinfo boot;
    struct board    board;
    bool            in_order; // the nodes of modules stand as they belong together
    char            text[DTB_TEXT_BYTES]; // strings of boot.modules that had to be composed
    uint32_t        text_used;
};

// Modules are the nodes of /chosen that are compatible with multiboot,module (QEMU's guest-loader, GRUB's xen_boot), by
// rising address whatever their order, but for our own loader's, which has them in order. One that is a
// multiboot,kernel begins a VM, and its bootargs are the VM's line; each other belongs to the kernel below it, and gets
// the word "module " in front (vmm/main.c). At most `readable` bytes are touched. False: it is damaged, or does not say
// what is needed; the board is as far as it could be read.
bool dtb_read(const void *tree, uint32_t readable, struct dtb *out, struct refusal *refusal);

// Is all of this in one piece of memory that the tree names?
bool dtb_in_memory(const struct bootinfo *info, uint64_t start, uint64_t size);

#endif
