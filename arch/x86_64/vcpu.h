// SPDX-License-Identifier: MIT
// The x86 part of a vCPU, the same on VMX and SVM. General registers, RIP and RFLAGS are copied here at every exit and
// back at every entry; everything else is reached through the vendor's get and set.
#ifndef ARCH_X86_64_VCPU_H
#define ARCH_X86_64_VCPU_H

#include "arch/arch.h"
#include "devices/mtrr.h"
#include "arch/x86_64/world.h"
#include "arch/x86_64/host/x86.h"
#include "time/pvclock.h"
#include "time/ratio.h"
#include "vmm/vm.h"

struct vmcb;

// Where the code that runs now is in host memory, and what must still hold for that to be so: the paging registers and
// the value of every page-table entry on the way. Looked at again at each use, so it is never stale (codewindow.c).
struct code_window {
    uint64_t        cr0, cr3, efer;
    uint64_t        attributes; // of CS
    uint64_t        page;       // linear
    uint64_t        page64;     // the same where 64-bit code runs, else an address that no RIP has
    const uint8_t  *host; // null: nothing is remembered
    const uint64_t *entry[4];
    uint64_t        value[4];
};

// VMX: what the VMCS holds of these now, so that only what changes is written.
struct vmx_state {
    hpa      vmcs, apic_page;
    uint64_t rip, rsp, rflags;
    uint32_t interruptibility;
    uint32_t proc; // primary processor-based controls
    bool     tpr_passed;
    struct vmx_stored_msr {
        uint32_t index, reserved;
        uint64_t value;
    } stamp __attribute__((aligned(16))); // SDM 3C table 24-15: what the exit stores
};

// The last instruction that was decoded for device memory, and the bytes it was decoded from: a loop around one
// register decodes it once.
struct decoded {
    uint64_t    bytes[2]; // INSN_MAX_LENGTH of them and a zero
    unsigned    bits;     // of the code segment; 0: nothing is remembered
    struct insn insn;
};

// The paravirtual clock of one vCPU (KVM's msr.rst): what its MSRs hold, and the line its page shows.
struct pvclock_state {
    uint64_t              system_msr;
    uint64_t              wall_msr;
    uint64_t              steal_msr;
    struct pvclock_anchor anchor;
};

struct arch_vcpu {
    struct world         world; // first: the registers are what everything touches
    struct vmcb         *vmcb; // SVM
    struct vmx_state     vmx;
    struct code_window   code;
    struct decoded       decoded;
    uint64_t             tsc_adjust; // guest TSC = V + tsc_adjust; also IA32_TSC_ADJUST
    uint64_t             pat, misc_enable, hwcr;
    struct mtrr          mtrr;
    struct pvclock_state pv;
    uint64_t             iret_rip;     // of that IRET
    uint64_t             no_code_root; // SVM: nested tables in which no page is executable (svm/step.c)
    uint64_t             alarm_extra;  // ticks: the way in, and what rounding up needs
    struct ratio         alarm_ratio;  // cycles of V to alarm ticks
    bool                 alarm_is_v;   // 1:1
    bool                 tsc_planned;  // world.tsc_base and tsc_mask are those of tsc_adjust
    bool                 state_lost;   // a refused entry left nothing of the guest's but what `world` has
    bool                 shadow;       // interrupts are held back for one instruction (STI, MOV SS)
    union {
        struct {
            bool window_wanted;
            bool event_queued;     // an event will be delivered by the next entry
            bool nmi_blocked;      // an NMI was injected and its IRET has not been seen
            bool iret_passed;      // IRET was intercepted; NMIs open again when it has run
            bool interrupt_queued; // ... and it is an external interrupt, as the hardware's virtual one
            bool step_once;        // a window cannot be asked for now: run one instruction, then look again
        };
        uint64_t under_way; // not 0: one of these
    };
    uint32_t             vmcb_clean;
};

static inline struct emulate_regs *vcpu_regs(struct vcpu *vcpu) { return &vcpu->arch->world.regs; }

// For the next entry: the guest's counter continues from V, and the alarm comes after so many cycles. Enough where the
// guest has not moved its counter since the last one. A slice is never 0 and never longer than LIMIT_SLICE_NS and the
// alarm's slack.
void vcpu_set_slice(struct vcpu *vcpu, uint64_t alarm_cycles);

bool vcpu_nmi_pending(const struct vcpu *vcpu);

// Steps over an instruction. The common case is inline: nothing to wrap, no trap, no RF.
void vcpu_skip_carefully(struct vcpu *vcpu, uint64_t next);

// Completes an instruction that goes elsewhere.
static inline void vcpu_jump(struct vcpu *vcpu, uint64_t target)
{
    vcpu->arch->shadow = false;
    vcpu_skip_carefully(vcpu, target);
}

static inline void vcpu_skip(struct vcpu *vcpu, unsigned length)
{
    struct emulate_regs *regs = vcpu_regs(vcpu);
    uint64_t next = regs->rip + length;
    vcpu->arch->shadow = false;
    if (__builtin_expect(next >> 32 != 0 || (regs->rflags & (RFLAGS_TF | RFLAGS_RF)) != 0, 0))
        vcpu_skip_carefully(vcpu, next);
    else
        regs->rip = next;
}

#endif
