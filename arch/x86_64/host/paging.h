// SPDX-License-Identifier: MIT
// The monitor's own address space: physical == virtual, no byte both writable and executable.
#ifndef ARCH_X86_64_HOST_PAGING_H
#define ARCH_X86_64_HOST_PAGING_H

struct bootinfo;

// Builds the tables from the memory map and switches to them. RAM is cached; everything below 4 GiB that is not RAM is
// uncached. Not mapped: page 0, the guard pages, and a guest's frames while it has them (arch_window_open). Panics when
// there is no memory for the tables.
void paging_init(const struct bootinfo *info);

#endif
