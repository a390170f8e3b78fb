// SPDX-License-Identifier: MIT
// The MSRs that say which parts of VMX a processor has, and their bits. SDM 3D, appendix A.
#ifndef ARCH_X86_64_VMX_MSR_H
#define ARCH_X86_64_VMX_MSR_H

#include <stdint.h>

// A control MSR holds in its low half what must be 1, in its high half what may be 1.
#define MSR_VMX_BASIC              0x480u
#define MSR_VMX_PIN                0x481u
#define MSR_VMX_PROC               0x482u
#define MSR_VMX_EXIT               0x483u
#define MSR_VMX_ENTRY              0x484u
#define MSR_VMX_MISC               0x485u
#define MSR_VMX_CR0_FIXED0         0x486u // a bit that is 1 here must be 1
#define MSR_VMX_CR0_FIXED1         0x487u // a bit that is 0 here must be 0
#define MSR_VMX_CR4_FIXED0         0x488u
#define MSR_VMX_CR4_FIXED1         0x489u
#define MSR_VMX_PROC2              0x48bu
#define MSR_VMX_EPT_VPID           0x48cu
#define MSR_VMX_TRUE_PIN           0x48du
#define MSR_VMX_TRUE_PROC          0x48eu
#define MSR_VMX_TRUE_EXIT          0x48fu
#define MSR_VMX_TRUE_ENTRY         0x490u
#define MSR_VMX_VMFUNC             0x491u

#define VMX_BASIC_REVISION_MASK    UINT64_C(0x7fffffff)
#define VMX_BASIC_TRUE_CONTROLS    (UINT64_C(1) << 55)
#define VMX_BASIC_ANY_ERROR_CODE   (UINT64_C(1) << 56)

#define VMX_MISC_PREEMPTION_RATE   UINT64_C(0x1f) // the timer counts when this bit of the TSC changes
#define VMX_MISC_HLT               (UINT64_C(1) << 6)
#define VMX_MISC_SHUTDOWN          (UINT64_C(1) << 7)
#define VMX_MISC_SIPI              (UINT64_C(1) << 8)
#define VMX_MISC_CR3_SHIFT         16                  // bits 24:16: number of CR3-target values
#define VMX_MISC_ZERO_LENGTH       (UINT64_C(1) << 30) // an event with instruction length 0 may be injected

#define EPT_CAP_WALK_4             (UINT64_C(1) << 6)
#define EPT_CAP_WALK_5             (UINT64_C(1) << 7)
#define EPT_CAP_UNCACHEABLE        (UINT64_C(1) << 8)
#define EPT_CAP_WRITE_BACK         (UINT64_C(1) << 14)
#define EPT_CAP_2M                 (UINT64_C(1) << 16)
#define EPT_CAP_INVEPT             (UINT64_C(1) << 20)
#define EPT_CAP_ACCESSED_DIRTY     (UINT64_C(1) << 21)
#define EPT_CAP_INVEPT_ALL         (UINT64_C(1) << 26)
#define VPID_CAP_INVVPID           (UINT64_C(1) << 32)
#define VPID_CAP_INVVPID_ALL       (UINT64_C(1) << 42)

#endif
