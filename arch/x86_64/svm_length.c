// SPDX-License-Identifier: MIT
// Instruction lengths where the CPU does not save the next RIP. The code is read where the guest's page tables say it
// is; the way there is remembered entry by entry and compared at each use, which gives exactly what a new walk would
// give and costs a fraction of it.
#include "arch/x86_64/decode.h"
#include "arch/x86_64/svm.h"
#include "vmm/guestmem.h"

#define PTE_PRESENT UINT64_C(0x01)
#define PTE_LARGE   UINT64_C(0x80)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)
#define CS_LONG     (1u << 9) // in the VMCB's attribute format

static const uint64_t no_entry; // stands for levels that a walk did not reach

#define NO_RIP UINT64_C(0x8000000000000000) // not canonical with 4-level paging

static bool runs_64bit_code(const struct vmcb *vmcb)
{
    return (vmcb->cs.attributes & CS_LONG) != 0 && (vmcb->efer & EFER_LMA) != 0;
}

static uint64_t code_address(const struct vmcb *vmcb)
{
    return runs_64bit_code(vmcb) ? vmcb->rip : (vmcb->cs.base + vmcb->rip) & UINT32_MAX;
}

// In long mode CR3 and the entries decide where a page is, which imply paging itself.
static bool still_there_in_long_mode(const struct code_window *code, const struct vmcb *vmcb)
{
    return ((code->efer ^ vmcb->efer) | (code->cr3 ^ vmcb->cr3) | (code->attributes ^ vmcb->cs.attributes) |
            (*code->entry[0] ^ code->value[0]) | (*code->entry[1] ^ code->value[1]) |
            (*code->entry[2] ^ code->value[2]) | (*code->entry[3] ^ code->value[3])) == 0;
}

static bool still_there(const struct code_window *code, const struct vmcb *vmcb)
{
    return still_there_in_long_mode(code, vmcb) && ((vmcb->efer & EFER_LMA) != 0 || code->cr0 == vmcb->cr0);
}

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

// 4 bytes of code can be read.
static bool starts_with(const uint8_t *code, uint32_t opcode, unsigned opcode_length)
{
    uint32_t bytes;
    memcpy(&bytes, code, sizeof(bytes));
    return ((bytes ^ opcode) << (32 - 8 * opcode_length)) == 0;
}

// What decides how code is translated: CR0.PG, EFER.LMA, and, with 4-level paging, CR3 and the entries. CR4 does not:
// LMA implies PAE, and 5-level paging is not offered.
static __attribute__((noinline)) bool remember(struct vcpu *vcpu, uint64_t linear)
{
    struct code_window *code = &vcpu->arch->code;
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    *code = (struct code_window){
        vmcb->cr0, vmcb->cr3, vmcb->efer, vmcb->cs.attributes,
        .page = linear & ~(PAGE_SIZE - 1),
        .page64 = NO_RIP,
        .entry = { &no_entry, &no_entry, &no_entry, &no_entry },
    };
    if ((vmcb->cr0 & CR0_PG) == 0)
        code->host = guest_pointer(vcpu->vm->ram, (gpa){ code->page }, PAGE_SIZE);
    else if ((vmcb->efer & EFER_LMA) != 0)
        code->host = walk(code, vcpu->vm->ram, vmcb->cr3, linear);
    if (code->host != NULL && runs_64bit_code(vmcb))
        code->page64 = code->page;
    return code->host != NULL;
}

bool svm_runs(const struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length)
{
    const struct code_window *code = &vcpu->arch->code;
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t offset = vmcb->rip - code->page64;
    return offset <= PAGE_SIZE - 4 && still_there_in_long_mode(code, vmcb) &&
           starts_with(code->host + offset, opcode, opcode_length);
}

void svm_code_forget(struct vcpu *vcpu)
{
    vcpu->arch->code = (struct code_window){ .page64 = NO_RIP };
}

const uint8_t *svm_code(struct vcpu *vcpu, size_t count)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if (svm_has_decode_assists() && vmcb->exit_code == SVM_EXIT_NPF && vmcb->fetched_length >= count)
        return vmcb->fetched_bytes; // the CPU's own fetch, APM 2, 15.8.4
    struct code_window *code = &vcpu->arch->code;
    uint64_t linear = code_address(vcpu->arch->vmcb);
    uint64_t offset = linear - code->page;
    if (offset <= PAGE_SIZE - count && code->host != NULL && still_there(code, vcpu->arch->vmcb))
        return code->host + offset;
    offset = linear & (PAGE_SIZE - 1);
    return offset <= PAGE_SIZE - count && remember(vcpu, linear) ? code->host + offset : NULL;
}

static __attribute__((noinline)) uint8_t decoded_length(struct vcpu *vcpu)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    if (insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) != DECODE_OK)
        return 0;
    return insn.length;
}

uint8_t svm_insn_length(struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length)
{
    const uint8_t *code = svm_code(vcpu, 4);
    if (code != NULL && starts_with(code, opcode, opcode_length))
        return (uint8_t)opcode_length;
    return decoded_length(vcpu);
}
