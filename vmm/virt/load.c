// SPDX-License-Identifier: MIT
// The arm64 guest's memory before its first instruction: its kernel, and the device tree that says what its board has.
#include "arch/arm64/host/board.h"
#include "arch/arm64/host/gic.h"
#include "vmm/base/format.h"
#include "vmm/virt/dtb.h"
#include "vmm/base/guestmem.h"
#include "vmm/vm.h"

// The word for what this board has not, NULL if it has all.
static const char *asked_in_vain(const struct vm_config *config)
{
    if (config->testdev)
        return "testdev=on";
    return config->follow ? "screen=follow" : NULL;
}

bool machine_load(struct vm *vm, const struct loader_input *input, struct entry_state *entry, struct refusal *refusal)
{
    const char *absent = asked_in_vain(&vm->config);
    if (absent != NULL)
        return REFUSAL(refusal, "%s: only the x86 machine has such a device", absent);
    if (!loader_load(input, vm->ram, entry, refusal))
        return false;
    uint8_t seed[SEED_BYTES];
    const struct guest_dtb tree = {
        .gic_version = hostgic_version(),
        .cpus = vm->config.vcpus,
        .ram_base = vm->ram.base,
        .ram_bytes = vm->ram.size,
        .initrd_start = entry->initrd_start,
        .initrd_end = entry->initrd_end,
        .cmdline = input->cmdline,
        .seed = board_take_seed(seed) ? seed : NULL,
    };
    if (guest_dtb_build(&tree, guest_pointer(vm->ram, (gpa){ entry->x0 }, GUEST_DTB_BYTES)))
        return true;
    return REFUSAL(refusal, "the command line is too long for the device tree");
}
