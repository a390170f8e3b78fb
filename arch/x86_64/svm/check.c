// SPDX-License-Identifier: MIT
// The rules of VMRUN about the guest's state, in the manual's order (svm/check.h). What only the monitor writes,
// intercepts and events, is not looked at. Called by svm/fail.c.
#include "arch/x86_64/svm/check.h"

#include "arch/x86_64/insn/registers.h"
#include "arch/x86_64/insn/segment.h"

#define UPPER_HALF (UINT64_MAX << 32)

const char *svm_broken_rule(const struct vmcb *vmcb, unsigned physical_bits)
{
    bool long_paging = (vmcb->efer & EFER_LME) != 0 && (vmcb->cr0 & CR0_PG) != 0;
    const struct {
        bool        broken;
        const char *words;
    } rules[] = {
        { (vmcb->efer & EFER_SVME) == 0, "EFER.SVME is clear" },
        { (vmcb->cr0 & (CR0_CD | CR0_NW)) == CR0_NW, "CR0 has NW without CD" },
        { (vmcb->cr0 & UPPER_HALF) != 0, "CR0 has bits in its upper half" },
        { (vmcb->cr3 & UINT64_MAX << physical_bits) != 0, "CR3 is no physical address" },
        { ((vmcb->dr6 | vmcb->dr7) & UPPER_HALF) != 0, "DR6 or DR7 has bits in its upper half" },
        { long_paging && (vmcb->cr4 & CR4_PAE) == 0, "paging in long mode without CR4.PAE" },
        { long_paging && (vmcb->cr0 & CR0_PE) == 0, "paging in long mode without CR0.PE" },
        { long_paging && (vmcb->cs.attributes & (SEGMENT_LONG | SEGMENT_BIG)) == (SEGMENT_LONG | SEGMENT_BIG),
          "CS is of 64-bit code and has its D bit set" },
    };
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].broken)
            return rules[i].words;
    return NULL;
}
