// SPDX-License-Identifier: MIT
// The monitor's own address space: physical == virtual, no byte both writable and executable.
#ifndef ARCH_ARM64_HOST_PAGING_H
#define ARCH_ARM64_HOST_PAGING_H

struct bootinfo;

// Called by start.S with the MMU off: caches and unaligned accesses work from here on. Image and device tree are
// memory, everything else below 512 GiB is a device.
void paging_early(const void *dtb);

// Builds the tables from the memory map and the board, and switches to them. Not mapped: page 0, the guard pages, and
// whatever is neither RAM nor a device of the board. Panics when there is no memory for the tables.
void paging_init(const struct bootinfo *info);

#endif
