// SPDX-License-Identifier: MIT
// Reads what a multiboot1 loader hands over (specification 0.6.96, 3.3): QEMU's -kernel, or GRUB's `multiboot`. The
// parser is pure and follows no address out of the window that it is given.
#ifndef BOOT_X86_64_MULTIBOOT1_H
#define BOOT_X86_64_MULTIBOOT1_H

#include "vmm/base/memorywindow.h"
#include "vmm/base/bootinfo.h"

// Reads the information structure at physical address `at`. False: it is damaged, the refusal says where. Such a loader
// does not say where ACPI's tables are. QEMU puts the file's name before each string: it is taken away.
bool multiboot1_parse(const struct memory_window *memory, uint32_t at, struct bootinfo *out, struct refusal *refusal);

#endif
