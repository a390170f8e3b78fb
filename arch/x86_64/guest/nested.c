// SPDX-License-Identifier: MIT
// Nested page tables: the guest's RAM, starting at guest-physical 0, and nothing else. Whatever is not RAM faults, and
// the fault is the device access. Four levels. AMD takes the processor's own long-mode format (APM 2, 15.25.5), with
// the user bit, because nested accesses count as user accesses; Intel's EPT (SDM 3C 28.2.2) has read, write and execute
// in the same three bits, the same bit for a large page, and in a leaf the memory type besides, which the vendor names.
// Built once per VM, never changed while it runs.
#include "arch/x86_64/host/pagetable.h"
#include "arch/x86_64/guest/guest.h"
#include "vmm/base/alloc.h"

#define NESTED_ALL UINT64_C(0x007) // present, writable, user; EPT: read, write, execute

void nested_free(hpa root)
{
    if (root.value != 0)
        pagetable_free(root, 4);
}

bool nested_build(struct guest_ram ram, hpa *root)
{
    const struct pagetable_bits bits = { NESTED_ALL, NESTED_ALL | vendor->nested_leaf };
    *root = alloc_clear_page();
    if (root->value != 0 && pagetable_map(*root, 0, ram.frames, ram.size, bits))
        return true;
    nested_free(*root);
    return false;
}
