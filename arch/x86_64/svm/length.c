// SPDX-License-Identifier: MIT
// The code at CS:RIP on SVM, and the lengths of instructions where the CPU does not save the next RIP.
#include "arch/x86_64/guest/codewindow.h"
#include "arch/x86_64/svm/svm.h"
#include "vmm/base/stackguard.h"

static struct code_place place_of(const struct vmcb *vmcb)
{
    bool bits64 = (vmcb->cs.attributes & SEGMENT_LONG) != 0 && (vmcb->efer & EFER_LMA) != 0;
    return (struct code_place){
        vmcb->cr0, vmcb->cr3, vmcb->efer, vmcb->cs.attributes, bits64,
        .linear = bits64 ? vmcb->rip : (vmcb->cs.base + vmcb->rip) & UINT32_MAX,
    };
}

// 4 bytes of code can be read.
static bool starts_with(const uint8_t *code, uint32_t opcode, unsigned opcode_length)
{
    uint32_t bytes;
    memcpy(&bytes, code, sizeof(bytes));
    return ((bytes ^ opcode) << (32 - 8 * opcode_length)) == 0;
}

bool svm_runs(const struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length)
{
    const struct code_window *code = &vcpu->arch->code;
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t offset = vmcb->rip - code->page64;
    return offset <= PAGE_SIZE - 4 &&
           code_still_there_in_long_mode(code, vmcb->efer, vmcb->cr3, vmcb->cs.attributes) &&
           starts_with(code->host + offset, opcode, opcode_length);
}

NO_STACKGUARD const uint8_t *svm_code(struct vcpu *vcpu, size_t count)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if (svm_has_decode_assists() && vmcb->exit_code == SVM_EXIT_NPF && vmcb->fetched_length >= count)
        return vmcb->fetched_bytes; // the CPU's own fetch, APM 2, 15.8.4
    return code_at(vcpu, place_of(vmcb), count);
}

// A walk of the guest's tables starts at the RIP among the general registers, which beside the world switch is still
// the one of the last entry.
static __attribute__((noinline)) uint8_t decoded_length(struct vcpu *vcpu)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    vcpu_regs(vcpu)->rip = vcpu->arch->vmcb->rip;
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
