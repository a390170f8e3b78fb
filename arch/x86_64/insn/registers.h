// SPDX-License-Identifier: MIT
// Registers by number, their bits, and exceptions: what more than one file needs. SDM 3A 2.5 (control registers), 6.3.1
// (vectors), 3B 17.2 (debug registers), SDM 1 3.4.3 (RFLAGS), SDM 4 (MSRs).
#ifndef ARCH_X86_64_INSN_REGISTERS_H
#define ARCH_X86_64_INSN_REGISTERS_H

#include <stdint.h>

enum gpr { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI };

// Exceptions by vector, SDM 3A 6.3.1.
enum exception { EXCEPTION_DE = 0, EXCEPTION_DB = 1, EXCEPTION_UD = 6, EXCEPTION_NM = 7, EXCEPTION_GP = 13,
                 EXCEPTION_PF = 14, EXCEPTION_AC = 17, EXCEPTION_MC = 18 };

#define CR0_PE (UINT64_C(1) << 0)
#define CR0_MP (UINT64_C(1) << 1)
#define CR0_EM (UINT64_C(1) << 2)
#define CR0_TS (UINT64_C(1) << 3)
#define CR0_ET (UINT64_C(1) << 4)
#define CR0_NE (UINT64_C(1) << 5)
#define CR0_WP (UINT64_C(1) << 16)
#define CR0_AM (UINT64_C(1) << 18)
#define CR0_NW (UINT64_C(1) << 29)
#define CR0_CD (UINT64_C(1) << 30)
#define CR0_PG (UINT64_C(1) << 31)

#define CR4_PSE        (UINT64_C(1) << 4)
#define CR4_PAE        (UINT64_C(1) << 5)
#define CR4_OSFXSR     (UINT64_C(1) << 9)
#define CR4_OSXMMEXCPT (UINT64_C(1) << 10)
#define CR4_OSXSAVE    (UINT64_C(1) << 18)
#define CR4_SMEP       (UINT64_C(1) << 20)
#define CR4_SMAP       (UINT64_C(1) << 21)
#define CR4_PKE        (UINT64_C(1) << 22)

#define EFER_SCE   (UINT64_C(1) << 0)
#define EFER_LME   (UINT64_C(1) << 8)
#define EFER_LMA   (UINT64_C(1) << 10)
#define EFER_NXE   (UINT64_C(1) << 11)
#define EFER_SVME  (UINT64_C(1) << 12)
#define EFER_FFXSR (UINT64_C(1) << 14)

#define RFLAGS_TF (UINT64_C(1) << 8)
#define RFLAGS_IF (UINT64_C(1) << 9)
#define RFLAGS_RF (UINT64_C(1) << 16)
#define RFLAGS_VM (UINT64_C(1) << 17)
#define RFLAGS_AC (UINT64_C(1) << 18)

#define DR6_CAUSES UINT64_C(15) // B0-B3
#define DR6_BD     (UINT64_C(1) << 13)
#define DR6_BS     (UINT64_C(1) << 14)

#define DR7_GD         (UINT64_C(1) << 13)
#define DR7_KIND_SHIFT 16 // two bits each four: 0 where the breakpoint is on an instruction

// Entries of page tables, SDM 3A 4.5.
#define PTE_PRESENT UINT64_C(0x01)
#define PTE_LARGE   UINT64_C(0x80)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define XCR0_X87    UINT64_C(1)
#define XCR0_SSE    UINT64_C(2)
#define XCR0_AVX    UINT64_C(4)
#define XCR0_AVX512 UINT64_C(0xe0)

#define MSR_EFER           0xc0000080u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u

#endif
