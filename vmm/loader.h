// SPDX-License-Identifier: MIT
// Loaders: an image of a kernel in, guest memory filled and the state of the first instruction out. Pure: they read the
// image and write guest memory, both bounds-checked, and nothing else. A damaged or foreign image is refused with a
// sentence that says what was found and what was expected.
#ifndef VMM_LOADER_H
#define VMM_LOADER_H

#include "vmm/base/types.h"

#define LOADER_MODULES_MAX 16

struct loader_input {
    struct image kernel;
    struct image module[LOADER_MODULES_MAX];     // initrd and friends, in order
    const char *module_args[LOADER_MODULES_MAX]; // "name args" string of each
    unsigned module_count;
    const char *cmdline; // the guest's own command line, without the kernel's name
};

enum entry_mode {
    ENTRY_PROTECTED32, // x86: flat 32-bit segments, paging off, interrupts off: multiboot1 §3.2
    ENTRY_LONG64,      // x86: flat 64-bit, identity-mapped by page tables that the loader put into guest memory; CS is
                       // 0x10, the data segments are 0x18, in a GDT that is there too
    ENTRY_EL1,         // arm64: EL1h, MMU and caches off, interrupts masked
};

struct entry_state {
    enum entry_mode mode;
    uint64_t pc;
    uint64_t rax, rbx, rdi, rsi, rsp; // x86
    uint64_t cr3, gdt;  // ENTRY_LONG64
    uint16_t gdt_limit;
    uint64_t x0;        // ENTRY_EL1: where the device tree is to be, GUEST_DTB_BYTES
    uint64_t initrd_start, initrd_end; // ENTRY_EL1: for that tree; equal if there is none
    const char *format; // "multiboot1 ELF32", ...: for the log
};

// Finds the format and loads, one for each kind of machine. A PC's (pc/loader.c): multiboot1 in ELF32, ELF64 or
// address-field form; plain ELF64; Linux bzImage. An arm64 board's (virt/loader.c): Linux Image, flat images.
bool loader_load(const struct loader_input *input, struct guest_ram ram, struct entry_state *out,
                 struct refusal *refusal);

#endif
