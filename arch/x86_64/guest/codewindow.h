// SPDX-License-Identifier: MIT
// Where the code that runs is in host memory, remembered from one exit to the next (codewindow.c). The vendor says
// where the guest is; the way there is compared entry by entry at each use, which gives exactly what a new walk would
// give and costs a fraction of it.
#ifndef ARCH_X86_64_GUEST_CODEWINDOW_H
#define ARCH_X86_64_GUEST_CODEWINDOW_H

#include "arch/x86_64/vcpu.h"

// The instruction pointer, and what decides how it is translated: CR0.PG, EFER.LMA, and, with 4-level paging, CR3 and
// the entries. CR4 does not: LMA implies PAE, and 5-level paging is not offered.
struct code_place {
    uint64_t cr0, cr3, efer;
    uint64_t attributes; // of CS, in the vendor's format
    bool     bits64;     // 64-bit code runs
    uint64_t linear;
};

// In long mode CR3 and the entries decide where a page is, which imply paging itself.
static inline bool code_still_there_in_long_mode(const struct code_window *code, uint64_t efer, uint64_t cr3,
                                                 uint64_t attributes)
{
    return ((code->efer ^ efer) | (code->cr3 ^ cr3) | (code->attributes ^ attributes) |
            (*code->entry[0] ^ code->value[0]) | (*code->entry[1] ^ code->value[1]) |
            (*code->entry[2] ^ code->value[2]) | (*code->entry[3] ^ code->value[3])) == 0;
}

// Finds it by a walk and remembers it.
__attribute__((noinline)) const uint8_t *code_find(struct vcpu *vcpu, const struct code_place *place, size_t count);

// The `count` bytes at the place, at most 15, as the guest's page tables map them now. Null: across the end of a page,
// not mapped, not in RAM, or in a kind of paging that guest_fetch() has to walk. Inline, so that the place stays in
// registers.
static inline const uint8_t *code_at(struct vcpu *vcpu, struct code_place place, size_t count)
{
    const struct code_window *code = &vcpu->arch->code;
    uint64_t offset = place.linear - code->page;
    if (offset <= PAGE_SIZE - count && code->host != NULL &&
        code_still_there_in_long_mode(code, place.efer, place.cr3, place.attributes) &&
        ((place.efer & EFER_LMA) != 0 || code->cr0 == place.cr0))
        return code->host + offset;
    return code_find(vcpu, &place, count);
}

// Nothing is remembered.
void code_forget(struct vcpu *vcpu);

#endif
