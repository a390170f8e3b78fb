// SPDX-License-Identifier: MIT
// The PC's memory before its first instruction: what its firmware would have left there, and the guest's kernel.
#include "vmm/pc/bios.h"
#include "vmm/vm.h"

bool machine_load(struct vm *vm, const struct loader_input *input, struct entry_state *entry, struct refusal *refusal)
{
    guest_acpi_build(vm->ram, vm->config.vcpus);
    guest_mptable_build(vm->ram, vm->config.vcpus);
    if (vm->ram.size >= MIB) { // less is refused by the loader, with a sentence
        guest_bios_build(vm->ram);
        guest_rom_build(vm->ram);
    }
    return loader_load(input, vm->ram, entry, refusal);
}
