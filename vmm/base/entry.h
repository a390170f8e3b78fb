// SPDX-License-Identifier: MIT
// The state of a kernel's first instruction, as its boot protocol wants it: from the loader to the architecture.
#ifndef VMM_BASE_ENTRY_H
#define VMM_BASE_ENTRY_H

#include "vmm/base/types.h"

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
    uint64_t kernel_end, tree_end; // ENTRY_EL1: from pc and from x0 up to here they were loaded
    uint64_t initrd_start, initrd_end; // ENTRY_EL1: for that tree; equal if there is none
    const char *format; // "multiboot1 ELF32", ...: for the log
};

#endif
