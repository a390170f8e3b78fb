// SPDX-License-Identifier: MIT
// The vendor seam: what differs between SVM and VMX, chosen once at boot. Called only from arch/x86_64/.
#ifndef ARCH_X86_64_VENDOR_H
#define ARCH_X86_64_VENDOR_H

#include "arch/x86_64/insn/segment.h"
#include "arch/x86_64/vcpu.h"

// Registers that live in the vendor's control structure.
enum guest_register {
    REGISTER_CR0,
    REGISTER_CR2,
    REGISTER_CR3,
    REGISTER_CR4,
    REGISTER_EFER,
    REGISTER_DR6,
    REGISTER_DR7,
    REGISTER_PAT,
    REGISTER_CPL,
    REGISTER_ES_BASE,
    REGISTER_CS_BASE,
    REGISTER_SS_BASE,
    REGISTER_DS_BASE,
    REGISTER_FS_BASE, // the next ones in the order of their MSRs
    REGISTER_GS_BASE,
    REGISTER_KERNEL_GS_BASE, // this and the next two: SVM only; on VMX no exit asks for them
    REGISTER_LSTAR,
    REGISTER_CSTAR,
    REGISTER_CS_BITS, // 16, 32 or 64: width of the code that runs; read only
    REGISTER_SS_BITS, // 16 or 32: width of the stack pointer outside 64-bit mode; read only
};

// Segment registers: the first six as enum insn_segment has them.
enum guest_segment_register { SEGMENT_LDTR = 6, SEGMENT_TR, SEGMENT_GDTR };

enum event_type { EVENT_INTERRUPT, EVENT_NMI, EVENT_EXCEPTION };

struct guest_event {
    enum event_type type;
    uint8_t         vector;
    bool            has_error;
    uint32_t        error;
};

struct vendor_ops {
    const char *name;
    uint64_t    nested_leaf;    // bits that a leaf of the nested page tables needs besides its rights
    // Is it there, and allowed? False: the refusal says why not.
    bool (*probe)(struct refusal *refusal);
    bool (*cpu_enable)(void);
    const char *(*describe)(void);
    // Host cycles in which the world switch's own timer, which runs in the guest alone, counts once; 0: it has none,
    // and the alarm is the host's LAPIC timer.
    uint64_t (*alarm_unit_cycles)(void);
    bool (*vcpu_init)(struct vcpu *vcpu, const struct entry_state *entry);
    void (*vcpu_free)(struct vcpu *vcpu);
    // `count` bytes of code at CS:RIP as they are mapped now; null where guest_fetch() has to walk the tables.
    const uint8_t *(*code)(struct vcpu *vcpu, size_t count);
    uint64_t (*get)(const struct vcpu *vcpu, enum guest_register reg);
    void (*set)(struct vcpu *vcpu, enum guest_register reg, uint64_t value);
    // Reads a segment register into *segment, or sets it; the GDTR has a base and a limit alone, and is not set. A CS
    // keeps the privilege; the shadow of a load of SS is the vCPU's.
    void (*segment)(struct vcpu *vcpu, unsigned reg, struct guest_segment *segment, bool set);
    void (*inject)(struct vcpu *vcpu, struct guest_event event);
    void (*want_window)(struct vcpu *vcpu, bool want);
    // One trip for one instruction, or for the delivery of the event that is queued and no instruction: EXIT_STEP,
    // unless what the guest does exits anyway. The guest cannot see it. Sets slice->cost_cycles.
    void (*step)(struct vcpu *vcpu, struct slice *slice, struct exit *exit);
};

extern const struct vendor_ops  svm_ops, vmx_ops;
extern const struct vendor_ops *vendor; // set once, at boot

// Into the guest and back, and in again for as long as the short way answers its exits. Not among the operations above:
// every round of the run loop makes this call, and a direct one becomes part of its caller. VMX's does not, which costs
// 20 instructions on the long way and saves 10 KiB.
void svm_enter(struct vcpu *vcpu, struct slice *slice, struct exit *exit);
__attribute__((noinline)) void vmx_enter(struct vcpu *vcpu, struct slice *slice, struct exit *exit);

// The one of the two that is `vendor` (vcpu.c).
void vendor_enter(struct vcpu *vcpu, struct slice *slice, struct exit *exit);

// What calibration found about this CPU's world switch; cycles.
struct switch_costs {
    uint64_t total[EXIT_KIND_COUNT]; // t1 - t0 of an empty guest, by exit kind
    struct switch_precision precision[EXIT_KIND_COUNT]; // of total
    bool     steady;                 // each of these, whenever it was measured: a cycle of this host is an instruction
    uint64_t in;                     // t0 to the guest's first instruction
    uint64_t alarm_doubt;            // alarms were found this far apart, and can be no closer than the switch; cycles
    uint64_t alarm;                  // from setting the alarm to the guest's first instruction, alarm ticks
    uint64_t insn;                   // what the plainest instruction costs: the one in the calibrated step
    bool     steps;                  // a single step was seen to work
    bool     faults_set_rf;          // in the frames of the faults that the guest takes by itself
    bool     addresses_checked;      // WRMSR of an address that is not canonical is #GP in the guest
    bool     shadow_honoured;        // VMRUN keeps the interrupt shadow it is given
};
extern struct switch_costs switch_costs;

// Runs the null guests (calibrate.c). False: out of memory, or an exit that should not be possible.
bool calibrate_world_switch(struct refusal *refusal);

#endif
