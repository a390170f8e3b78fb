// SPDX-License-Identifier: MIT
// Loaders: an image of a kernel in, guest memory filled and the state of the first instruction out. Pure: they read the
// image and write guest memory, both bounds-checked, and nothing else. A damaged or foreign image is refused with a
// sentence that says what was found and what was expected.
#ifndef VMM_LOADER_H
#define VMM_LOADER_H

#include "vmm/base/entry.h"

#define LOADER_MODULES_MAX 16

struct loader_input {
    struct image kernel;
    struct image module[LOADER_MODULES_MAX];     // initrd and friends, in order
    const char *module_args[LOADER_MODULES_MAX]; // "name args" string of each
    unsigned module_count;
    const char *cmdline; // the guest's own command line, without the kernel's name
};

// Finds the format and loads, one for each kind of machine. A PC's (pc/loader.c): multiboot1 in ELF32, ELF64 or
// address-field form; plain ELF64; Linux bzImage. An arm64 board's (virt/loader.c): Linux Image, flat images.
bool loader_load(const struct loader_input *input, struct guest_ram ram, struct entry_state *out,
                 struct refusal *refusal);

#endif
