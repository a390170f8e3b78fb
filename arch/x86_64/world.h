// SPDX-License-Identifier: MIT
// What a world switch takes and gives, shared by the C code and world_svm.S; the offsets are checked here.
#ifndef ARCH_X86_64_WORLD_H
#define ARCH_X86_64_WORLD_H

#include "arch/x86_64/emulate.h"

struct world {
    struct emulate_regs regs;         // the guest's; rax, rsp, rip, rflags travel through the VMCB
    uint64_t            vmcb;         // address of the guest's VMCB, physical == virtual
    uint64_t            host_vmcb;    // where VMLOAD finds the host's own FS, GS, TR, LDTR and syscall MSRs
    uint64_t            tsc_base;     // offset of this entry = tsc_base - (t0 & tsc_mask)
    uint64_t            tsc_mask;
    uint64_t            t0, t1;       // out: the counter, last before and first after the guest
    uint64_t            alarm_mmio;   // address of the host LAPIC's initial-count register, 0 in x2APIC mode
    uint64_t            alarm;        // in: its new value, 32 bits
};

_Static_assert(offsetof(struct emulate_regs, gpr) == 0, "world_svm.S");
_Static_assert(offsetof(struct world, vmcb) == 144, "world_svm.S");
_Static_assert(offsetof(struct world, host_vmcb) == 152, "world_svm.S");
_Static_assert(offsetof(struct world, tsc_base) == 160, "world_svm.S");
_Static_assert(offsetof(struct world, tsc_mask) == 168, "world_svm.S");
_Static_assert(offsetof(struct world, t0) == 176, "world_svm.S");
_Static_assert(offsetof(struct world, t1) == 184, "world_svm.S");
_Static_assert(offsetof(struct world, alarm_mmio) == 192, "world_svm.S");
_Static_assert(offsetof(struct world, alarm) == 200, "world_svm.S");

// Runs the guest until its next exit. Interrupts off in and out; the counter is sampled at both ends. The compiler is
// told that the registers are lost, so it keeps the few values it still needs, instead of the callee saving all of
// them.
static inline void svm_world_switch(struct world *world)
{
    __asm__ volatile("call svm_world_switch_body"
                     : "+D"(world)
                     :
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
                       "memory");
}

#endif
