// SPDX-License-Identifier: MIT
// What a world switch takes and gives, shared by the C code, svm/world.S and vmx/world.S; the offsets are checked here.
#ifndef ARCH_X86_64_WORLD_H
#define ARCH_X86_64_WORLD_H

#include "arch/x86_64/insn/emulate.h"

struct world {
    struct emulate_regs regs;         // the guest's; SVM: rax, rsp, rip, rflags travel through the VMCB; VMX: not rax
    uint64_t            vmcb;         // SVM: address of the guest's VMCB, physical == virtual
    uint64_t            host_vmcb;    // SVM: where VMLOAD finds the host's own FS, GS, TR, LDTR and syscall MSRs
    uint64_t            v;            // in: V; offset of this entry = tsc_base + ((v - t0) & tsc_mask)
    uint64_t            tsc_base;
    uint64_t            tsc_mask;
    uint64_t            t0, t1;       // out: the counter, last before and first after the guest
    uint64_t            alarm_mmio;   // address of the host LAPIC's initial-count register, 0 in x2APIC mode
    uint64_t            alarm;        // in: its new value, 32 bits; the preemption timer: counter cycles + 2^rate - 1
    // VMX only
    uint64_t            host_rsp;     // as the VMCS has it
    uint64_t            way_in;       // cycles from t0 to the guest's first instruction
    uint64_t            timer_rate;   // the preemption timer counts once in 2^rate cycles
    bool                launched;
    bool                timer;        // there is a preemption timer
    bool                entry_failed; // out: the guest was not entered
    uint64_t            timer_value;  // out: what the preemption timer was loaded with
    uint64_t            tsc_offset;   // out: what the TSC offset was
};

_Static_assert(offsetof(struct emulate_regs, gpr) == 0, "svm/world.S");
_Static_assert(offsetof(struct world, vmcb) == 144, "svm/world.S");
_Static_assert(offsetof(struct world, host_vmcb) == 152, "svm/world.S");
_Static_assert(offsetof(struct world, v) == 160, "svm/world.S");
_Static_assert(offsetof(struct world, tsc_base) == 168, "svm/world.S");
_Static_assert(offsetof(struct world, tsc_mask) == 176, "svm/world.S");
_Static_assert(offsetof(struct world, t0) == 184, "svm/world.S");
_Static_assert(offsetof(struct world, t1) == 192, "svm/world.S");
_Static_assert(offsetof(struct world, alarm_mmio) == 200, "svm/world.S");
_Static_assert(offsetof(struct world, alarm) == 208, "svm/world.S");
_Static_assert(offsetof(struct world, host_rsp) == 216, "vmx/world.S");
_Static_assert(offsetof(struct world, way_in) == 224, "vmx/world.S");
_Static_assert(offsetof(struct world, timer_rate) == 232, "vmx/world.S");
_Static_assert(offsetof(struct world, launched) == 240, "vmx/world.S");
_Static_assert(offsetof(struct world, timer) == 241, "vmx/world.S");
_Static_assert(offsetof(struct world, entry_failed) == 242, "vmx/world.S");
_Static_assert(offsetof(struct world, timer_value) == 248, "vmx/world.S");
_Static_assert(offsetof(struct world, tsc_offset) == 256, "vmx/world.S");

// The way into a guest and back, of svm/world.S or vmx/world.S, without barriers or with them: barrier.c chooses.
struct world_way {
    const void *enter;
    const void *vmx_exit; // where an exit of VMX's comes back
};
extern struct world_way world_way;

// Runs the guest until its next exit; the counter is sampled at both ends. The compiler is told that the registers are
// lost, so it keeps the few values it still needs, instead of the callee saving all of them.
static inline void world_switch(struct world *world)
{
    __asm__ volatile("call *%1"
                     : "+D"(world)
                     : "m"(world_way.enter)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
                       "memory");
}

#endif
