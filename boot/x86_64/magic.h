// SPDX-License-Identifier: MIT
// What a loader leaves in EAX, which tells of what kind its information is. For start.S too: nothing but numbers.
#ifndef BOOT_X86_64_MAGIC_H
#define BOOT_X86_64_MAGIC_H

#define MULTIBOOT1_LOADER_MAGIC 0x2badb002
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289

#endif
