// SPDX-License-Identifier: MIT
// The code that runs, found in host memory through the guest's own page tables, and found again without a new walk.
#include "arch/x86_64/guest/codewindow.h"
#include "vmm/base/guestmem.h"

static const uint64_t no_entry; // stands for levels that a walk did not reach

#define NO_RIP UINT64_C(0x8000000000000000) // not canonical with 4-level paging

// 4-level paging only, SDM 3A 4.5: what 64-bit guests use. Null: not mapped, or not in RAM.
static const uint8_t *walk(struct code_window *code, struct guest_ram ram, uint64_t table, uint64_t linear)
{
    for (unsigned shift = 39, level = 0;; shift -= 9, level++) {
        const uint64_t *entry = guest_pointer(ram, (gpa){ (table & PTE_ADDRESS) + ((linear >> shift) & 511) * 8 }, 8);
        if (entry == NULL || (*entry & PTE_PRESENT) == 0)
            return NULL;
        code->entry[level] = entry;
        code->value[level] = *entry;
        if (shift == 12 || ((*entry & PTE_LARGE) != 0 && shift != 39)) {
            uint64_t inside = (UINT64_C(1) << shift) - 1;
            uint64_t page = (*entry & PTE_ADDRESS & ~inside) | (linear & inside & ~(PAGE_SIZE - 1));
            return guest_pointer(ram, (gpa){ page }, PAGE_SIZE);
        }
        table = *entry;
    }
}

const uint8_t *code_find(struct vcpu *vcpu, const struct code_place *place, size_t count)
{
    struct code_window *code = &vcpu->arch->code;
    uint64_t offset = place->linear & (PAGE_SIZE - 1);
    if (offset > PAGE_SIZE - count)
        return NULL;
    *code = (struct code_window){
        place->cr0, place->cr3, place->efer, place->attributes,
        .page = place->linear & ~(PAGE_SIZE - 1),
        .page64 = NO_RIP,
        .entry = { &no_entry, &no_entry, &no_entry, &no_entry },
    };
    if ((place->cr0 & CR0_PG) == 0)
        code->host = guest_pointer(vcpu->vm->ram, (gpa){ code->page }, PAGE_SIZE);
    else if ((place->efer & EFER_LMA) != 0)
        code->host = walk(code, vcpu->vm->ram, place->cr3, place->linear);
    if (code->host != NULL && place->bits64)
        code->page64 = code->page;
    return code->host != NULL ? code->host + offset : NULL;
}

void code_forget(struct vcpu *vcpu)
{
    vcpu->arch->code = (struct code_window){ .page64 = NO_RIP };
}
