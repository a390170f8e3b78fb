// SPDX-License-Identifier: MIT
// A VM that has RAM and nothing else: what calibration runs.
#include "vmm/barevm.h"

#include <string.h>

#include "arch/arch.h"
#include "vmm/base/alloc.h"
#include "vmm/base/guestmem.h"

bool vm_with_bare_ram(size_t ram_pages, bool (*use)(struct vm *vm, struct refusal *refusal), struct refusal *refusal)
{
    hpa vm_at = alloc_pages(VM_PAGES, 1);
    if (vm_at.value == 0)
        return false;
    struct vm *vm = (struct vm *)vm_at.value;
    bool ok = false;
    memset(vm, 0, sizeof(*vm));
    if (guestmem_open(&vm->ram, ram_pages * PAGE_SIZE, MACHINE_RAM_BASE) && arch_vm_init(vm)) {
        ok = use(vm, refusal);
        arch_vm_free(vm);
    }
    guestmem_close(&vm->ram);
    free_pages(vm_at, VM_PAGES);
    return ok;
}
