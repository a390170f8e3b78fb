// SPDX-License-Identifier: MIT
// Which of the host's stacks an address is in: see hoststack.h. Called in a panic.
#include "vmm/base/hoststack.h"

#include "vmm/base/types.h"

bool host_stack_contains(uintptr_t address, size_t size)
{
    for (unsigned i = 0; i < host_stack_count; i++) {
        uintptr_t bottom = host_stacks[i].guard + PAGE_SIZE;
        if (address >= bottom && address < host_stacks[i].top && host_stacks[i].top - address >= size)
            return true;
    }
    return false;
}

const char *host_stack_guard_name(uintptr_t address)
{
    for (unsigned i = 0; i < host_stack_count; i++) {
        if (address - host_stacks[i].guard < PAGE_SIZE)
            return host_stacks[i].name;
    }
    return NULL;
}
