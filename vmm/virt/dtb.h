// SPDX-License-Identifier: MIT
// The device tree of the board that an arm64 guest sees (Devicetree Specification 0.4; the bindings are Linux'). Pure.
#ifndef VMM_VIRT_DTB_H
#define VMM_VIRT_DTB_H

#include "vmm/base/seed.h"
#include "vmm/base/types.h"

#define GUEST_DTB_BYTES UINT64_C(8192) // room for the tree with the longest command line

struct guest_dtb {
    unsigned gic_version; // 2 or 3
    unsigned cpus;
    uint64_t ram_base, ram_bytes;
    uint64_t initrd_start, initrd_end; // equal: there is none
    const char *cmdline;
    const uint8_t *seed; // SEED_BYTES of chance; null: none
};

// Writes the tree to `place`, of GUEST_DTB_BYTES. False: it does not fit.
bool guest_dtb_build(const struct guest_dtb *board, void *place);

#endif
