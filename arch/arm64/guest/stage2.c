// SPDX-License-Identifier: MIT
// Stage 2: the guest's RAM from its board's RAM base on, a page of the monitor here and there, and nothing else. What
// is not mapped faults, and the fault is the device access. 4 KiB granule, 36 bits of guest-physical address, so the
// walk starts at level 1 (Arm ARM D8.2.7); RAM is mapped in blocks of 2 MiB wherever both sides allow it. Built once
// per VM, never changed while it runs.
#include "arch/arm64/host/cache.h"
#include "arch/arm64/host/pagetable.h"
#include "arch/arm64/guest/guest.h"
#include "vmm/base/alloc.h"
#include "vmm/base/guestmem.h"

#define ADDRESS_BITS 36u // which ID_AA64MMFR0_EL1 tells the guest (idregs.c), or the CPU's 32
#define PARANGE_32   0u
#define START_LEVEL  1u

#define S2AP_READ  (UINT64_C(1) << 6)
#define S2AP_WRITE (UINT64_C(1) << 7)
#define MEM_NORMAL (UINT64_C(0xf) << 2) // MemAttr: Normal, outer and inner write-back
#define MEM_DEVICE (UINT64_C(0x0) << 2) // Device-nGnRnE
#define XN         (UINT64_C(1) << 54)

#define RAM_BITS    (PTE_AF | PTE_SH_INNER | S2AP_READ | S2AP_WRITE | MEM_NORMAL)
#define DEVICE_BITS (PTE_AF | S2AP_READ | S2AP_WRITE | MEM_DEVICE | XN)
#define READ_BITS   (PTE_AF | PTE_SH_INNER | S2AP_READ | MEM_NORMAL | XN)

// VTCR_EL2: start at level 1, walks cacheable and inner shareable, 4 KiB granule, RES1.
#define VTCR_SL0_LEVEL_1 (UINT64_C(1) << 6)
#define VTCR_IRGN_WB     (UINT64_C(1) << 8)
#define VTCR_ORGN_WB     (UINT64_C(1) << 10)
#define VTCR_SH_INNER    (UINT64_C(3) << 12)
#define VTCR_PS_SHIFT    16
#define VTCR_RES1        (UINT64_C(1) << 31)
#define VMID             UINT64_C(1)

static struct pagetable tree(hpa root)
{
    return (struct pagetable){ root, START_LEVEL };
}

bool stage2_map_page(hpa root, uint64_t ipa, hpa page, uint64_t attributes)
{
    return pagetable_map_one(tree(root), ipa, page, PAGETABLE_LEAF_LEVEL,
                             attributes == STAGE2_NORMAL_RO ? READ_BITS : DEVICE_BITS);
}

bool stage2_build(struct guest_ram ram, hpa *root)
{
    *root = alloc_clear_page();
    if (root->value == 0)
        return false;
    if (pagetable_map(tree(*root), ram.base, ram.frames, ram.size, RAM_BITS))
        return true;
    stage2_free(*root);
    return false;
}

void stage2_free(hpa root)
{
    pagetable_free(tree(root));
}

// From the next entry on. What the TLB has of an older guest goes: every VM has the same VMID.
void stage2_use(hpa root)
{
    uint64_t physical_bits = sysreg_read(id_aa64mmfr0_el1) & 0xf; // PARange; the encodings are VTCR_EL2.PS' own
    uint64_t ps = physical_bits > 5 ? 5 : physical_bits;
    uint64_t address_bits = physical_bits == PARANGE_32 ? 32 : ADDRESS_BITS;
    sysreg_write(vtcr_el2, VTCR_RES1 | ps << VTCR_PS_SHIFT | VTCR_SH_INNER | VTCR_ORGN_WB | VTCR_IRGN_WB |
                               VTCR_SL0_LEVEL_1 | (64 - address_bits));
    sysreg_write(vttbr_el2, VMID << 48 | root.value);
    __asm__ volatile("dsb ishst; isb; tlbi vmalls12e1; ic iallu; dsb ish; isb" : : : "memory");
}

__attribute__((noinline)) void stage2_loaded(struct guest_ram ram, uint64_t start, uint64_t end)
{
    const void *loaded = guest_pointer(ram, (gpa){ start }, end - start);
    if (loaded == NULL)
        return;
    cache_to_memory(loaded, end - start);
    __asm__ volatile("ic iallu; dsb sy; isb" : : : "memory");
}
