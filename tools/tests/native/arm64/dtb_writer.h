// SPDX-License-Identifier: MIT
// Writes device trees for the tests of those who read them, by libfdt's sequential half. Every step is asserted.
#ifndef TOOLS_TESTS_NATIVE_ARM64_DTB_WRITER_H
#define TOOLS_TESTS_NATIVE_ARM64_DTB_WRITER_H

#include <stddef.h>
#include <stdint.h>

#define TREE_BYTES 65536

extern uint8_t built[TREE_BYTES]; // the tree that is being written

// The root: two cells each, one reservation of 4 KiB at 0x44000000.
void begin_tree(void);
void end_tree(void);
void begin(const char *name);
void end(void);

void bytes(const char *name, const void *value, size_t size);
void string(const char *name, const char *value);
void cells(const char *name, unsigned count, ...);
void bus_cells(unsigned address, unsigned size);
#define COMPATIBLE(text) bytes("compatible", text, sizeof(text)) // with all its zeros

// Whole nodes, as QEMU writes them.
void memory(const char *name, unsigned start, unsigned size);
void timer(void);
void gic3(void);
void gic2(void);
void pcie(void);
void psci(const char *method);
void device(const char *name, const char *compatible, size_t size, unsigned low);
#define DEVICE(name, text, low) device(name, text, sizeof(text), low)

#define KERNEL  "multiboot,module\0multiboot,kernel"
#define RAMDISK "multiboot,module\0multiboot,ramdisk"
#define PLAIN   "multiboot,module"
void module(unsigned start, unsigned size, const char *compatible, size_t bytes, const char *bootargs);
#define MODULE(start, size, kind, bootargs) module(start, size, kind, sizeof(kind), bootargs)

#endif
