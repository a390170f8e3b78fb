// SPDX-License-Identifier: MIT
// What the files of arm64 share about a vCPU. Nobody outside arch/arm64 includes this.
#ifndef ARCH_ARM64_VCPU_H
#define ARCH_ARM64_VCPU_H

#include "arch/arch.h"
#include "arch/arm64/insn/aarch32.h"
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/vgic_lr.h"
#include "arch/arm64/world.h"
#include "devices/pmu.h"
#include "time/stolen_time.h"
#include "vmm/vm.h"

// The page in which a guest finds its stolen time (guest/pvtime.h).
struct pvtime {
    hpa                page;
    struct stolen_time stolen;
};

// What a vCPU has of the debug registers that is not in the CPU.
struct debug_state {
    uint32_t mdscr;         // as the guest has written it
    uint8_t  claim;         // DBGCLAIM tags
    bool     os_locked;     // OSLSR.OSLK
    bool     double_locked; // OSDLR.DLK
};

struct arch_vcpu {
    struct world  world;
    struct lr_set lrs;             // what the list registers hold (vgic_lr.h: lr_init, lr_free, lr_fold, lr_fill)
    struct pvtime pvtime;          // the page of stolen time
    struct debug_state debug;      // the debug registers that are not in the CPU
    bool          entry_plain;     // the next entry needs no more than every entry does
    bool          counter_planned; // world.counter_base and _mask are right
    uint64_t      way_in;          // from t0 to the first instruction, no longer than any slice
    bool          timer_queued;    // the vCPU halted: the timer queue has its virtual timer
    uint32_t      timer_ctl;       // ... and this is its CNTV_CTL, which is off in the hardware
    uint64_t      counts_at_start; // the PMU's (meter.h)
    struct pmu    pmu;             // the guest's
    bool          pmu_counts;      // it is on
    uint64_t      exits_counted;   // what the hardware's counted in exits, as long as it is (meter.h)
};

// What a world switch costs on this CPU, found out at boot (calibrate.c).
struct switch_costs {
    uint64_t total[EXIT_KIND_COUNT]; // t1 - t0 of an empty guest, by the exit that ends it
    struct switch_precision precision[EXIT_KIND_COUNT]; // of total
    uint64_t counted[EXIT_KIND_COUNT]; // what the PMU counts in such a guest (meter.h)
    uint64_t in;                     // from t0 to the guest's first instruction
    uint64_t alarm;                  // ticks by which an alarm ends a slice too early, if it is set to its length
    uint64_t alarm_doubt;            // ticks by which it may be wrong
};
extern struct switch_costs switch_costs;
bool calibrate_world_switch(struct refusal *refusal);

// A slice was shorter than the shortest of its kind that calibration has seen.
void slice_was_short(struct vcpu *vcpu, uint64_t elapsed);

// What the switch cost in a slice of `elapsed` ticks that ended so. One that is shorter than the shortest that
// calibration has seen, as happens where the whole host is emulated on a busy computer, is the ledger's to judge.
uint64_t switch_cost(struct vcpu *vcpu, enum exit_kind kind, uint64_t elapsed);

// Syndromes (Arm ARM D17.2.37, ESR_ELx).
#define ESR_CLASS(esr)      ((unsigned)((esr) >> 26) & 63)

#define INSN_LENGTH 4u

// DFSC and IFSC without the level.
#define FAULT_TRANSLATION 0x04u
#define FAULT_ACCESS_FLAG 0x08u
#define FAULT_PERMISSION  0x0cu
#define FAULT_KIND        0x3cu
#define FAULT_UNALIGNED   0x21u // all of it
#define FAULT_UNSUPPORTED 0x35u // an exclusive or atomic access to memory that has none

#define ZERO_REGISTER 31u
#define ESR_INSN_LENGTH(esr) (((esr) & ESR_IL) != 0 ? INSN_LENGTH : 2u) // T32 has short ones

// PSTATE as SPSR_EL2 has it (Arm ARM C5.2.19).
#define PSTATE_N_TO_V  (UINT64_C(0xf) << 28)
#define PSTATE_DIT     (UINT64_C(1) << 24)
#define PSTATE_PAN     (UINT64_C(1) << 22)
#define PSTATE_SS      (UINT64_C(1) << 21)
#define PSTATE_SSBS    (UINT64_C(1) << 12)
#define PSTATE_BTYPE   (UINT64_C(3) << 10) // AArch64 only
#define PSTATE_DAIF    (UINT64_C(0xf) << 6)
#define PSTATE_AARCH32 (UINT64_C(1) << 4)
#define PSTATE_MODE    UINT64_C(0xf)
#define PSTATE_EL0     UINT64_C(0)
#define PSTATE_EL1T    UINT64_C(4)
#define PSTATE_EL1H    UINT64_C(5)

// For the next entry: the guest's counter continues from V, and the alarm comes after so many cycles.
void vcpu_set_slice(struct vcpu *vcpu, uint64_t alarm_cycles);

static inline void vcpu_step_over(struct vcpu *vcpu, unsigned length)
{
    vcpu->arch->world.pc += length;
    vcpu->arch->world.pstate &= ~PSTATE_SS; // the step is complete
    if (__builtin_expect((vcpu->arch->world.pstate & PSTATE_AARCH32) != 0, 0))
        vcpu->arch->world.pstate = aarch32_stepped(vcpu->arch->world.pstate);
    else
        vcpu->arch->world.pstate &= ~PSTATE_BTYPE;
}

// An instruction ends what a branch before it has told it, one that the monitor executes does, too (Arm ARM D8.4.6).
// The PC is already after a hypercall.
static inline void vcpu_hypercall_done(struct vcpu *vcpu)
{
    vcpu->arch->world.pstate &= ~PSTATE_BTYPE;
}

// exit.c: the syndrome into a neutral exit.
void decode_exit(struct vcpu *vcpu, struct exit *exit);

// interrupts.c: the interrupts in list registers back into the model, and the virtual timer's line as it is at V.
void vcpu_fold(struct vcpu *vcpu);

// The guest goes on: the hardware has its virtual timer again.
void vcpu_take_timer_back(struct vcpu *vcpu);

#endif
