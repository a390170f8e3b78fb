// SPDX-License-Identifier: MIT
// The VMCB as the hardware lays it out, and the numbers that go into it. APM volume 2, appendix B (layout) and C (exit
// codes); section numbers beside each group.
#ifndef ARCH_X86_64_SVM_VMCB_H
#define ARCH_X86_64_SVM_VMCB_H

#include <stddef.h>
#include <stdint.h>

struct vmcb_segment {
    uint16_t selector;
    uint16_t attributes; // bits 7:0 = descriptor bits 47:40, bits 11:8 = descriptor bits 55:52
    uint32_t limit;
    uint64_t base;
};

struct vmcb {
    // control area
    uint32_t intercept_cr; // bit n: read of CRn, bit 16+n: write of CRn
    uint32_t intercept_dr;
    uint32_t intercept_exception;
    uint32_t intercept_misc1;
    uint32_t intercept_misc2;
    uint32_t intercept_misc3;
    uint8_t  reserved_018[0x03c - 0x018];
    uint16_t pause_filter_threshold;
    uint16_t pause_filter_count;
    uint64_t iopm_base;
    uint64_t msrpm_base;
    uint64_t tsc_offset;
    uint32_t asid;
    uint8_t  tlb_control;
    uint8_t  reserved_05d[3];
    union {
        uint32_t int_ctl;
        uint8_t  v_tpr; // its low byte
    };
    uint32_t int_vector;
    uint64_t int_state;
    uint64_t exit_code;
    uint64_t exit_info1;
    uint64_t exit_info2;
    uint64_t exit_int_info;
    uint64_t np_enable;
    uint8_t  reserved_098[0x0a8 - 0x098];
    uint64_t event_inj;
    uint64_t nested_cr3;
    uint64_t lbr_virtualization;
    uint32_t clean;
    uint32_t reserved_0c4;
    uint64_t next_rip;
    uint8_t  fetched_length;
    uint8_t  fetched_bytes[15];
    uint8_t  reserved_0e0[0x400 - 0x0e0];
    // state-save area
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t  reserved_4a0[0x4cb - 0x4a0];
    uint8_t  cpl;
    uint32_t reserved_4cc;
    uint64_t efer;
    uint8_t  reserved_4d8[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t  reserved_580[0x5d8 - 0x580];
    uint64_t rsp;
    uint8_t  reserved_5e0[0x5f8 - 0x5e0];
    uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
    uint8_t  reserved_648[0x668 - 0x648];
    uint64_t g_pat;
    uint8_t  reserved_670[0x1000 - 0x670];
};
_Static_assert(sizeof(struct vmcb) == 4096, "APM 2, 15.5.1: the VMCB is one page");
_Static_assert(offsetof(struct vmcb, pause_filter_count) == 0x03e, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, tsc_offset) == 0x050, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, int_ctl) == 0x060, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x070, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, np_enable) == 0x090, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, event_inj) == 0x0a8, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, clean) == 0x0c0, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, next_rip) == 0x0c8, "APM 2, B.1");
_Static_assert(offsetof(struct vmcb, es) == 0x400, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, tr) == 0x490, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, cr4) == 0x548, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, rip) == 0x578, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "APM 2, B.2");
_Static_assert(offsetof(struct vmcb, g_pat) == 0x668, "APM 2, B.2");

// Intercepts, vector 3 (offset 00Ch).
#define INTERCEPT1_INTR     (UINT32_C(1) << 0)
#define INTERCEPT1_NMI      (UINT32_C(1) << 1)
#define INTERCEPT1_SMI      (UINT32_C(1) << 2)
#define INTERCEPT1_INIT     (UINT32_C(1) << 3)
#define INTERCEPT1_VINTR    (UINT32_C(1) << 4)
#define INTERCEPT1_RDPMC    (UINT32_C(1) << 15)
#define INTERCEPT1_CPUID    (UINT32_C(1) << 18)
#define INTERCEPT1_RSM      (UINT32_C(1) << 19)
#define INTERCEPT1_IRET     (UINT32_C(1) << 20)
#define INTERCEPT1_INVD     (UINT32_C(1) << 22)
#define INTERCEPT1_HLT      (UINT32_C(1) << 24)
#define INTERCEPT1_INVLPGA  (UINT32_C(1) << 26)
#define INTERCEPT1_IOIO     (UINT32_C(1) << 27)
#define INTERCEPT1_MSR      (UINT32_C(1) << 28)
#define INTERCEPT1_SHUTDOWN (UINT32_C(1) << 31)

// Intercepts, vector 4 (offset 010h).
#define INTERCEPT2_VMRUN   (UINT32_C(1) << 0)
#define INTERCEPT2_VMMCALL (UINT32_C(1) << 1)
#define INTERCEPT2_VMLOAD  (UINT32_C(1) << 2)
#define INTERCEPT2_VMSAVE  (UINT32_C(1) << 3)
#define INTERCEPT2_STGI    (UINT32_C(1) << 4)
#define INTERCEPT2_CLGI    (UINT32_C(1) << 5)
#define INTERCEPT2_SKINIT  (UINT32_C(1) << 6)
#define INTERCEPT2_MONITOR (UINT32_C(1) << 10)
#define INTERCEPT2_MWAIT   (UINT32_C(1) << 11)

#define INTERCEPT_CR0_WRITE (UINT32_C(1) << 16) // LMSW and CLTS, too
#define INTERCEPT_CR4_WRITE (UINT32_C(1) << (16 + 4))
#define INTERCEPT_CR8_WRITE (UINT32_C(1) << (16 + 8))
#define INTERCEPT_DR_WRITES (UINT32_C(0xaf) << 16) // DR0-3, DR7, and DR5, which can be DR7

// int_ctl (offset 060h), APM 2, 15.21.
#define INT_CTL_V_IRQ          (UINT32_C(1) << 8)
#define INT_CTL_V_PRIO_SHIFT   16
#define INT_CTL_V_IGN_TPR      (UINT32_C(1) << 20)
#define INT_CTL_V_INTR_MASKING (UINT32_C(1) << 24)

#define INT_STATE_SHADOW UINT64_C(1) // APM 2, 15.21.5

// EVENTINJ and EXITINTINFO, APM 2, 15.20 and 15.7.2.
#define EVENT_TYPE_SHIFT     8
#define EVENT_TYPE_NMI       (UINT64_C(2) << EVENT_TYPE_SHIFT)
#define EVENT_TYPE_EXCEPTION (UINT64_C(3) << EVENT_TYPE_SHIFT)
#define EVENT_TYPE_SOFTWARE  (UINT64_C(4) << EVENT_TYPE_SHIFT)
#define EVENT_TYPE_MASK      (UINT64_C(7) << EVENT_TYPE_SHIFT)
#define EVENT_HAS_ERROR      (UINT64_C(1) << 11)
#define EVENT_VALID          (UINT64_C(1) << 31)
#define EVENT_VECTOR_MASK    UINT64_C(0xff)

#define TLB_CONTROL_NOTHING    0
#define TLB_CONTROL_FLUSH_ALL  1
#define TLB_CONTROL_FLUSH_ASID 3

// VMCB clean bits, APM 2, 15.15.3.
#define CLEAN_INTERCEPTS (UINT32_C(1) << 0) // TSC offset included: written at each entry, never clean
#define CLEAN_INTERRUPT  (UINT32_C(1) << 3)
#define CLEAN_ALL        UINT32_C(0x3ff)

// Exit codes, APM 2, appendix C.
#define SVM_EXIT_CR0_WRITE 0x010
#define SVM_EXIT_CR4_WRITE 0x014
#define SVM_EXIT_CR8_WRITE 0x018
#define SVM_EXIT_DR0_WRITE 0x030
#define SVM_EXIT_EXCEPTION 0x040
#define SVM_EXIT_INTR      0x060
#define SVM_EXIT_NMI       0x061
#define SVM_EXIT_SMI       0x062
#define SVM_EXIT_INIT      0x063
#define SVM_EXIT_VINTR     0x064
#define SVM_EXIT_RDPMC     0x06f
#define SVM_EXIT_CPUID     0x072
#define SVM_EXIT_RSM       0x073
#define SVM_EXIT_IRET      0x074
#define SVM_EXIT_INVD      0x076
#define SVM_EXIT_HLT       0x078
#define SVM_EXIT_INVLPGA   0x07a
#define SVM_EXIT_IOIO      0x07b
#define SVM_EXIT_MSR       0x07c
#define SVM_EXIT_SHUTDOWN  0x07f
#define SVM_EXIT_VMRUN     0x080
#define SVM_EXIT_VMMCALL   0x081
#define SVM_EXIT_VMLOAD    0x082
#define SVM_EXIT_VMSAVE    0x083
#define SVM_EXIT_STGI      0x084
#define SVM_EXIT_CLGI      0x085
#define SVM_EXIT_SKINIT    0x086
#define SVM_EXIT_MONITOR   0x08a
#define SVM_EXIT_MWAIT     0x08b
#define SVM_EXIT_NPF       0x400
#define SVM_EXIT_INVALID   0xffffffffu // the low half of -1: what VMRUN was given is not legal

// EXITINFO1 of IOIO, APM 2, 15.10.2.
#define IOIO_IN         (UINT64_C(1) << 0)
#define IOIO_STRING     (UINT64_C(1) << 2)
#define IOIO_REP        (UINT64_C(1) << 3)
#define IOIO_SIZE_SHIFT 4 // bits 6:4 are one-hot 1, 2, 4
#define IOIO_PORT_SHIFT 16

// EXITINFO1 of NPF, APM 2, 15.25.6: page-fault error code, and where in the nested walk.
#define NPF_WRITE      (UINT64_C(1) << 1)
#define NPF_FETCH      (UINT64_C(1) << 4)
#define NPF_TABLE_WALK (UINT64_C(1) << 33)

#endif
