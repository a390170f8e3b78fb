// SPDX-License-Identifier: MIT
// A VM that has RAM and nothing else, for finding out what the hardware does.
#ifndef VMM_BAREVM_H
#define VMM_BAREVM_H

#include "vmm/vm.h"

// Calls `use` with a VM that has so many pages of RAM at its machine's base, their map, and nothing else: no image, no
// devices, no time. False: out of memory, or what `use` says.
bool vm_with_bare_ram(size_t ram_pages, bool (*use)(struct vm *vm, struct refusal *refusal), struct refusal *refusal);

#endif
