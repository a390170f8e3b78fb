// SPDX-License-Identifier: MIT
// Which barriers against the CPU's own leaks this processor needs, and where: from what CPUID and
// IA32_ARCH_CAPABILITIES say, to bits. Pure; tested natively with the words of real processors.
#ifndef ARCH_X86_64_BARRIER_PLAN_H
#define ARCH_X86_64_BARRIER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

// What the processor says. A leaf or an MSR that is not there is 0.
struct barrier_facts {
    bool     svm;               // it is one of AMD's: no RDCL, no L1TF, no MDS
    uint32_t leaf7_ebx;         // CPUID 7
    uint32_t leaf7_edx;
    uint32_t leaf7_2_edx;       // CPUID 7, sub-leaf 2
    uint32_t leaf88_ebx;        // CPUID 80000008h
    uint32_t leaf821_eax;       // CPUID 80000021h
    uint32_t leaf821_ecx;
    uint64_t arch_capabilities; // MSR 10Ah
};

// What can be cleared, and what is on for good.
#define BARRIER_BUFFERS   1u  // store, fill and load buffers: VERW
#define BARRIER_L1D       2u  // the first data cache: IA32_FLUSH_CMD
#define BARRIER_RETURNS   4u  // predictions of returns: calls into nothing
#define BARRIER_BRANCHES  8u  // predictions of indirect branches: IBPB
#define BARRIER_IBRS      16u // enhanced IBRS: a bit of IA32_SPEC_CTRL, as the next one
#define BARRIER_BHI_DIS_S 32u
#define BARRIER_AUTO_IBRS 64u // a bit of EFER

struct barrier_plan {
    uint8_t always;
    uint8_t entry;   // before the guest's first instruction: what it could read of the monitor's work
    uint8_t exit;    // after its last: what it could lead the monitor to
    uint8_t between; // before another VM's first
};

// Sources: SDM 2A CPUID and SDM 4 IA32_ARCH_CAPABILITIES; APM 2, 3.1.7 and 3.2.9, APM 3, E.4.
struct barrier_plan barrier_plan(const struct barrier_facts *facts);

// The plan in words, for the log: those of README.
#define BARRIER_TEXT_SIZE 200
void barrier_plan_text(const struct barrier_plan *plan, char text[BARRIER_TEXT_SIZE]);

#endif
