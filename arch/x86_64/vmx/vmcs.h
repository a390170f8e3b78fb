// SPDX-License-Identifier: MIT
// The VMCS by its field encodings, and the numbers that go into it. SDM 3D, appendix B (encodings), C (exit reasons);
// SDM 3C, chapter 24 (the bits); VM entries are chapter 26 in this numbering. What a processor has is in vmx/msr.h.
#ifndef ARCH_X86_64_VMX_VMCS_H
#define ARCH_X86_64_VMX_VMCS_H

#include <stdint.h>

// Every encoding carries its own width (bits 14:13) and kind (bits 11:10). Segments come in the order ES, CS, SS, DS,
// FS, GS, LDTR, TR, two apart: VMCS_GUEST_ES_BASE + 2 * segment.
enum vmcs_field {
    // 16 bits
    VMCS_VPID = 0x0000,
    VMCS_POSTED_VECTOR = 0x0002,
    VMCS_GUEST_ES_SELECTOR = 0x0800,
    VMCS_GUEST_CS_SELECTOR = 0x0802,
    VMCS_GUEST_SS_SELECTOR = 0x0804,
    VMCS_GUEST_DS_SELECTOR = 0x0806,
    VMCS_GUEST_FS_SELECTOR = 0x0808,
    VMCS_GUEST_GS_SELECTOR = 0x080a,
    VMCS_GUEST_LDTR_SELECTOR = 0x080c,
    VMCS_GUEST_TR_SELECTOR = 0x080e,
    VMCS_HOST_ES_SELECTOR = 0x0c00,
    VMCS_HOST_CS_SELECTOR = 0x0c02,
    VMCS_HOST_SS_SELECTOR = 0x0c04,
    VMCS_HOST_DS_SELECTOR = 0x0c06,
    VMCS_HOST_FS_SELECTOR = 0x0c08,
    VMCS_HOST_GS_SELECTOR = 0x0c0a,
    VMCS_HOST_TR_SELECTOR = 0x0c0c,

    // 64 bits
    VMCS_IO_BITMAP_A = 0x2000,
    VMCS_IO_BITMAP_B = 0x2002,
    VMCS_MSR_BITMAP = 0x2004,
    VMCS_EXIT_MSR_STORE = 0x2006,
    VMCS_EXIT_MSR_LOAD = 0x2008,
    VMCS_ENTRY_MSR_LOAD = 0x200a,
    VMCS_PML_ADDRESS = 0x200e,
    VMCS_TSC_OFFSET = 0x2010,
    VMCS_VIRTUAL_APIC = 0x2012,
    VMCS_APIC_ACCESS = 0x2014,
    VMCS_POSTED_DESCRIPTOR = 0x2016,
    VMCS_VM_FUNCTIONS = 0x2018,
    VMCS_EPT_POINTER = 0x201a,
    VMCS_VMREAD_BITMAP = 0x2026,
    VMCS_VMWRITE_BITMAP = 0x2028,
    VMCS_VE_INFORMATION = 0x202a,
    VMCS_TSC_MULTIPLIER = 0x2032,
    VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,
    VMCS_LINK_POINTER = 0x2800,
    VMCS_GUEST_DEBUGCTL = 0x2802,
    VMCS_GUEST_PAT = 0x2804,
    VMCS_GUEST_EFER = 0x2806,
    VMCS_GUEST_PDPTE0 = 0x280a,
    VMCS_GUEST_PDPTE1 = 0x280c,
    VMCS_GUEST_PDPTE2 = 0x280e,
    VMCS_GUEST_PDPTE3 = 0x2810,
    VMCS_HOST_PAT = 0x2c00,
    VMCS_HOST_EFER = 0x2c02,

    // 32 bits
    VMCS_PIN_CONTROLS = 0x4000,
    VMCS_PROC_CONTROLS = 0x4002,
    VMCS_EXCEPTION_BITMAP = 0x4004,
    VMCS_PF_ERROR_MASK = 0x4006,
    VMCS_PF_ERROR_MATCH = 0x4008,
    VMCS_CR3_TARGET_COUNT = 0x400a,
    VMCS_EXIT_CONTROLS = 0x400c,
    VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
    VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
    VMCS_ENTRY_CONTROLS = 0x4012,
    VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
    VMCS_ENTRY_EVENT = 0x4016, // VM-entry interruption-information field
    VMCS_ENTRY_EVENT_ERROR = 0x4018,
    VMCS_ENTRY_EVENT_LENGTH = 0x401a,
    VMCS_TPR_THRESHOLD = 0x401c,
    VMCS_PROC2_CONTROLS = 0x401e,
    VMCS_INSTRUCTION_ERROR = 0x4400, // VM-instruction error field
    VMCS_EXIT_REASON = 0x4402,
    VMCS_EXIT_EVENT = 0x4404, // VM-exit interruption-information field
    VMCS_EXIT_EVENT_ERROR = 0x4406,
    VMCS_VECTORING_EVENT = 0x4408, // IDT-vectoring information field
    VMCS_VECTORING_EVENT_ERROR = 0x440a,
    VMCS_EXIT_INSTRUCTION_LENGTH = 0x440c,
    VMCS_GUEST_ES_LIMIT = 0x4800,
    VMCS_GUEST_CS_LIMIT = 0x4802,
    VMCS_GUEST_SS_LIMIT = 0x4804,
    VMCS_GUEST_DS_LIMIT = 0x4806,
    VMCS_GUEST_FS_LIMIT = 0x4808,
    VMCS_GUEST_GS_LIMIT = 0x480a,
    VMCS_GUEST_LDTR_LIMIT = 0x480c,
    VMCS_GUEST_TR_LIMIT = 0x480e,
    VMCS_GUEST_GDTR_LIMIT = 0x4810,
    VMCS_GUEST_IDTR_LIMIT = 0x4812,
    VMCS_GUEST_ES_RIGHTS = 0x4814, // access rights
    VMCS_GUEST_CS_RIGHTS = 0x4816,
    VMCS_GUEST_SS_RIGHTS = 0x4818,
    VMCS_GUEST_DS_RIGHTS = 0x481a,
    VMCS_GUEST_FS_RIGHTS = 0x481c,
    VMCS_GUEST_GS_RIGHTS = 0x481e,
    VMCS_GUEST_LDTR_RIGHTS = 0x4820,
    VMCS_GUEST_TR_RIGHTS = 0x4822,
    VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
    VMCS_GUEST_ACTIVITY = 0x4826,
    VMCS_GUEST_SYSENTER_CS = 0x482a,
    VMCS_PREEMPTION_TIMER = 0x482e,
    VMCS_HOST_SYSENTER_CS = 0x4c00,

    // natural width: 64 bits here
    VMCS_CR0_MASK = 0x6000, // guest/host mask: a 1 belongs to the monitor
    VMCS_CR4_MASK = 0x6002,
    VMCS_CR0_SHADOW = 0x6004,
    VMCS_CR4_SHADOW = 0x6006,
    VMCS_EXIT_QUALIFICATION = 0x6400,
    VMCS_GUEST_CR0 = 0x6800,
    VMCS_GUEST_CR3 = 0x6802,
    VMCS_GUEST_CR4 = 0x6804,
    VMCS_GUEST_ES_BASE = 0x6806,
    VMCS_GUEST_CS_BASE = 0x6808,
    VMCS_GUEST_SS_BASE = 0x680a,
    VMCS_GUEST_DS_BASE = 0x680c,
    VMCS_GUEST_FS_BASE = 0x680e,
    VMCS_GUEST_GS_BASE = 0x6810,
    VMCS_GUEST_LDTR_BASE = 0x6812,
    VMCS_GUEST_TR_BASE = 0x6814,
    VMCS_GUEST_GDTR_BASE = 0x6816,
    VMCS_GUEST_IDTR_BASE = 0x6818,
    VMCS_GUEST_DR7 = 0x681a,
    VMCS_GUEST_RSP = 0x681c,
    VMCS_GUEST_RIP = 0x681e,
    VMCS_GUEST_RFLAGS = 0x6820,
    VMCS_GUEST_PENDING_DEBUG = 0x6822, // pending debug exceptions
    VMCS_GUEST_SYSENTER_ESP = 0x6824,
    VMCS_GUEST_SYSENTER_EIP = 0x6826,
    VMCS_HOST_CR0 = 0x6c00,
    VMCS_HOST_CR3 = 0x6c02,
    VMCS_HOST_CR4 = 0x6c04,
    VMCS_HOST_FS_BASE = 0x6c06,
    VMCS_HOST_GS_BASE = 0x6c08,
    VMCS_HOST_TR_BASE = 0x6c0a,
    VMCS_HOST_GDTR_BASE = 0x6c0c,
    VMCS_HOST_IDTR_BASE = 0x6c0e,
    VMCS_HOST_SYSENTER_ESP = 0x6c10,
    VMCS_HOST_SYSENTER_EIP = 0x6c12,
    VMCS_HOST_RSP = 0x6c14,
    VMCS_HOST_RIP = 0x6c16,
};

// Pin-based controls, 24.6.1.
#define PIN_EXTERNAL_INTERRUPT         (UINT32_C(1) << 0)
#define PIN_NMI                        (UINT32_C(1) << 3)
#define PIN_VIRTUAL_NMI                (UINT32_C(1) << 5)
#define PIN_PREEMPTION_TIMER           (UINT32_C(1) << 6)
#define PIN_POSTED_INTERRUPTS          (UINT32_C(1) << 7)

// Primary processor-based controls, 24.6.2.
#define PROC_INTERRUPT_WINDOW          (UINT32_C(1) << 2)
#define PROC_TSC_OFFSETTING            (UINT32_C(1) << 3)
#define PROC_HLT                       (UINT32_C(1) << 7)
#define PROC_MWAIT                     (UINT32_C(1) << 10)
#define PROC_RDPMC                     (UINT32_C(1) << 11)
#define PROC_CR3_LOAD                  (UINT32_C(1) << 15)
#define PROC_CR3_STORE                 (UINT32_C(1) << 16)
#define PROC_CR8_LOAD                  (UINT32_C(1) << 19)
#define PROC_TPR_SHADOW                (UINT32_C(1) << 21)
#define PROC_NMI_WINDOW                (UINT32_C(1) << 22)
#define PROC_IO_BITMAPS                (UINT32_C(1) << 25)
#define PROC_MONITOR_TRAP              (UINT32_C(1) << 27)
#define PROC_MSR_BITMAPS               (UINT32_C(1) << 28)
#define PROC_MONITOR                   (UINT32_C(1) << 29)
#define PROC_SECONDARY                 (UINT32_C(1) << 31)

// Secondary processor-based controls, 24.6.2.
#define PROC2_APIC_ACCESSES            (UINT32_C(1) << 0)
#define PROC2_EPT                      (UINT32_C(1) << 1)
#define PROC2_RDTSCP                   (UINT32_C(1) << 3)
#define PROC2_X2APIC                   (UINT32_C(1) << 4)
#define PROC2_VPID                     (UINT32_C(1) << 5)
#define PROC2_UNRESTRICTED_GUEST       (UINT32_C(1) << 7)
#define PROC2_APIC_REGISTERS           (UINT32_C(1) << 8)
#define PROC2_VIRTUAL_INTERRUPTS       (UINT32_C(1) << 9)
#define PROC2_VM_FUNCTIONS             (UINT32_C(1) << 13)
#define PROC2_VMCS_SHADOWING           (UINT32_C(1) << 14)
#define PROC2_PML                      (UINT32_C(1) << 17)
#define PROC2_VE                       (UINT32_C(1) << 18)
#define PROC2_TSC_SCALING              (UINT32_C(1) << 25)

// VM-exit controls, 24.7.1.
#define EXIT_CTL_SAVE_DEBUG            (UINT32_C(1) << 2)
#define EXIT_CTL_HOST_64               (UINT32_C(1) << 9) // host address-space size
#define EXIT_CTL_ACK_INTERRUPT         (UINT32_C(1) << 15)
#define EXIT_CTL_LOAD_PAT              (UINT32_C(1) << 19)
#define EXIT_CTL_SAVE_EFER             (UINT32_C(1) << 20)
#define EXIT_CTL_LOAD_EFER             (UINT32_C(1) << 21)
#define EXIT_CTL_SAVE_PREEMPTION_TIMER (UINT32_C(1) << 22)

// VM-entry controls, 24.8.1.
#define ENTRY_CTL_LOAD_DEBUG           (UINT32_C(1) << 2)
#define ENTRY_CTL_IA32E_GUEST          (UINT32_C(1) << 9)
#define ENTRY_CTL_SMM                  (UINT32_C(1) << 10)
#define ENTRY_CTL_NO_DUAL_MONITOR      (UINT32_C(1) << 11)
#define ENTRY_CTL_LOAD_PAT             (UINT32_C(1) << 14)
#define ENTRY_CTL_LOAD_EFER            (UINT32_C(1) << 15)

// Access rights of a segment, 24.4.1: as bits 23:8 of a descriptor, the limit's left out, and one more.
#define RIGHTS_TYPE                    UINT32_C(0xf)
#define RIGHTS_CODE_DATA               (UINT32_C(1) << 4)
#define RIGHTS_DPL_SHIFT               5
#define RIGHTS_PRESENT                 (UINT32_C(1) << 7)
#define RIGHTS_LONG                    (UINT32_C(1) << 13)
#define RIGHTS_BIG                     (UINT32_C(1) << 14)
#define RIGHTS_GRANULAR                (UINT32_C(1) << 15)
#define RIGHTS_UNUSABLE                (UINT32_C(1) << 16)

// Interruptibility and activity, 24.4.2; pending debug exceptions.
#define BLOCKED_BY_STI                 (UINT32_C(1) << 0)
#define BLOCKED_BY_MOV_SS              (UINT32_C(1) << 1)
#define BLOCKED_BY_SMI                 (UINT32_C(1) << 2)
#define BLOCKED_BY_NMI                 (UINT32_C(1) << 3)
#define ACTIVITY_ACTIVE                0u
#define ACTIVITY_HLT                   1u
#define ACTIVITY_SHUTDOWN              2u
#define ACTIVITY_SIPI                  3u
#define PENDING_DEBUG_ENABLED          (UINT64_C(1) << 12)
#define PENDING_DEBUG_BS               (UINT64_C(1) << 14)
#define PENDING_DEBUG_RTM              (UINT64_C(1) << 16)

// An event on its way in, out, or cut off half way: 24.8.3, 24.9.2, 24.9.3. The layout is the same in all three.
#define VMX_EVENT_VECTOR_MASK          UINT32_C(0xff)
#define VMX_EVENT_TYPE_SHIFT           8
#define VMX_EVENT_TYPE_MASK            (UINT32_C(7) << VMX_EVENT_TYPE_SHIFT)
#define VMX_EVENT_INTERRUPT            (UINT32_C(0) << VMX_EVENT_TYPE_SHIFT)
#define VMX_EVENT_NMI                  (UINT32_C(2) << VMX_EVENT_TYPE_SHIFT)
#define VMX_EVENT_EXCEPTION            (UINT32_C(3) << VMX_EVENT_TYPE_SHIFT)
#define VMX_EVENT_SOFTWARE_INTERRUPT   (UINT32_C(4) << VMX_EVENT_TYPE_SHIFT)
#define VMX_EVENT_PRIVILEGED_EXCEPTION (UINT32_C(5) << VMX_EVENT_TYPE_SHIFT) // INT1
#define VMX_EVENT_SOFTWARE_EXCEPTION   (UINT32_C(6) << VMX_EVENT_TYPE_SHIFT) // INT3, INTO
#define VMX_EVENT_OTHER                (UINT32_C(7) << VMX_EVENT_TYPE_SHIFT) // VM entry only: pending MTF
#define VMX_EVENT_HAS_ERROR            (UINT32_C(1) << 11)
#define VMX_EVENT_UNBLOCKED_NMI        (UINT32_C(1) << 12) // VM exit only: NMI unblocking due to IRET
#define VMX_EVENT_VALID                (UINT32_C(1) << 31)

// Exit reasons, appendix C. Bits 15:0 of the field; bit 31 says that it was the entry that failed.
#define VMX_EXIT_ENTRY_FAILED          (UINT32_C(1) << 31)
#define VMX_EXIT_EXCEPTION             0 // or NMI
#define VMX_EXIT_INTERRUPT             1
#define VMX_EXIT_TRIPLE_FAULT          2
#define VMX_EXIT_INIT                  3
#define VMX_EXIT_IO_SMI                5
#define VMX_EXIT_SMI                   6
#define VMX_EXIT_INT_WINDOW            7
#define VMX_EXIT_NMI_WINDOW            8
#define VMX_EXIT_TASK_SWITCH           9
#define VMX_EXIT_CPUID                 10
#define VMX_EXIT_GETSEC                11
#define VMX_EXIT_HLT                   12
#define VMX_EXIT_INVD                  13
#define VMX_EXIT_RDPMC                 15
#define VMX_EXIT_VMCALL                18
#define VMX_EXIT_VMCLEAR               19
#define VMX_EXIT_VMLAUNCH              20
#define VMX_EXIT_VMPTRLD               21
#define VMX_EXIT_VMPTRST               22
#define VMX_EXIT_VMREAD                23
#define VMX_EXIT_VMRESUME              24
#define VMX_EXIT_VMWRITE               25
#define VMX_EXIT_VMXOFF                26
#define VMX_EXIT_VMXON                 27
#define VMX_EXIT_CR                    28
#define VMX_EXIT_IO                    30
#define VMX_EXIT_RDMSR                 31
#define VMX_EXIT_WRMSR                 32
#define VMX_EXIT_MWAIT                 36
#define VMX_EXIT_MONITOR_TRAP          37
#define VMX_EXIT_MONITOR               39
#define VMX_EXIT_EPT_VIOLATION         48
#define VMX_EXIT_INVEPT                50
#define VMX_EXIT_PREEMPTION            52
#define VMX_EXIT_INVVPID               53
#define VMX_EXIT_XSETBV                55

// Qualification of an I/O exit, 27.2.1 table 27-5.
#define VMX_IO_SIZE_MASK               UINT64_C(7) // size - 1
#define VMX_IO_IN                      (UINT64_C(1) << 3)
#define VMX_IO_STRING                  (UINT64_C(1) << 4)
#define VMX_IO_REP                     (UINT64_C(1) << 5)
#define VMX_IO_PORT_SHIFT              16

// Qualification of an EPT violation, table 27-7.
#define EPT_VIOLATION_WRITE            (UINT64_C(1) << 1)
#define EPT_VIOLATION_FETCH            (UINT64_C(1) << 2)
#define EPT_VIOLATION_LINEAR_VALID     (UINT64_C(1) << 7)
#define EPT_VIOLATION_FINAL_ADDR       (UINT64_C(1) << 8) // clear: met while walking the guest's own tables
#define EPT_VIOLATION_NMI_IRET         (UINT64_C(1) << 12)

// EPT pointer, 24.6.11.
#define EPTP_WRITE_BACK                UINT64_C(6)
#define EPTP_WALK_4                    (UINT64_C(3) << 3) // length of the walk - 1
#define EPTP_ACCESSED_DIRTY            (UINT64_C(1) << 6)

#endif
