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

enum gpr { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI };

// Exceptions by vector, SDM 3A 6.3.1.
enum exception { EXCEPTION_DE = 0, EXCEPTION_DB = 1, EXCEPTION_UD = 6, EXCEPTION_NM = 7, EXCEPTION_GP = 13,
                 EXCEPTION_PF = 14, EXCEPTION_AC = 17, EXCEPTION_MC = 18 };

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

#define MSR_EFER        0xc0000080u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX     0xc0000103u
#define EFER_SCE        (UINT64_C(1) << 0)
#define EFER_LME        (UINT64_C(1) << 8)
#define EFER_LMA        (UINT64_C(1) << 10)
#define EFER_SVME       (UINT64_C(1) << 12)
#define EFER_FFXSR      (UINT64_C(1) << 14)
#define CR0_PE          (UINT64_C(1) << 0)
#define CR0_PG          (UINT64_C(1) << 31)
#define CR4_PSE         (UINT64_C(1) << 4)
#define CR4_PAE         (UINT64_C(1) << 5)
#define RFLAGS_TF       (UINT64_C(1) << 8)
#define RFLAGS_IF       (UINT64_C(1) << 9)
#define RFLAGS_RF       (UINT64_C(1) << 16)
#define RFLAGS_AC       (UINT64_C(1) << 18)

static inline struct emulate_regs *vcpu_regs(struct vcpu *vcpu) { return &vcpu->arch->world.regs; }

// For the next entry: the guest's counter continues from V, and the alarm comes after so many cycles. Enough where the
// guest has not moved its counter since the last one.
void vcpu_set_slice(struct vcpu *vcpu, uint64_t alarm_cycles);

static inline bool vcpu_nmi_pending(const struct vcpu *vcpu)
{
    return (vcpu->vm->machine.lapic.direct & LAPIC_DIRECT_NMI) != 0;
}

// Steps over an instruction. The common case is inline: nothing to wrap, no trap, no RF.
void vcpu_skip_carefully(struct vcpu *vcpu, uint64_t next);

// What #DB for these causes leaves in DR6 and DR7: B0-B3 are those of this one, the other causes are added to what is
// there, general detect is off (SDM 3B 17.2.3, 17.2.4).
void guest_debug_status(struct vcpu *vcpu, uint64_t causes);

// The guest gets #DB for these causes, bits of DR6.
void guest_debug_trap(struct vcpu *vcpu, uint64_t causes);

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

// --- guest memory as the guest's own paging shows it (guest/walk.c) ---------------------------------------------------

enum guest_access {
    GUEST_FETCHED, // what the CPU has just fetched: only present-ness is looked at
    GUEST_READ,    // data, with the rights of the code that runs now
    GUEST_WRITE,
    GUEST_TABLE_READ, // the CPU's own access to a descriptor: the supervisor's, whoever runs
    GUEST_TABLE_WRITE,
};

// Translates a linear address with the tables the guest has now. False: not mapped, not allowed, or its tables are not
// in RAM.
bool guest_translate(struct vcpu *vcpu, uint64_t linear, enum guest_access access, gpa *out);

// Copies `size` bytes at a linear address; returns how many could be reached. Bytes outside RAM cannot.
size_t guest_read_linear(struct vcpu *vcpu, uint64_t linear, enum guest_access access, void *out, size_t size);
size_t guest_write_linear(struct vcpu *vcpu, uint64_t linear, const void *in, size_t size);

// Gives the guest the page fault that an access at `linear` deserves.
void guest_page_fault(struct vcpu *vcpu, uint64_t linear, enum guest_access access);

// The linear address of a segment-relative one.
uint64_t guest_linear(struct vcpu *vcpu, enum insn_segment segment, uint64_t offset);

// Bytes at CS:RIP, at most 15 (vendor.h has guest_fetch(), which comes here only where it must).
size_t guest_fetch_by_walking(struct vcpu *vcpu, uint8_t out[15]);

// 16, 32 or 64: the operand width of the code segment.
unsigned guest_code_bits(struct vcpu *vcpu);

// --- instructions and registers that belong to x86 (cpuid.c, msr.c, pv.c) -------------------------------------------

// CPUID and a plain IN or OUT on the guest's registers, without the step over the instruction. RAX is apart, because
// beside the world switch it is still in the VMCB.
void guest_execute_cpuid(struct vcpu *vcpu, uint64_t *rax);
void guest_execute_port(struct vcpu *vcpu, uint64_t *rax, uint16_t port, uint8_t size, bool is_write);

// A hypercall by code at any privilege: only the guest's kernel may. And one by the kernel.
uint64_t guest_hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument);
uint64_t guest_kernel_hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument);

void                cpuid_init(void);
struct cpuid_result guest_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf);
unsigned guest_address_bits(void); // MAXPHYADDR
bool guest_cpu_is_amd(void); // and Hygon; the maker's name decides which MSRs there are
bool guest_cpu_is_intel(void);

// False: the guest gets #GP(0).
bool guest_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
bool guest_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);
void guest_msr_reset(struct vcpu *vcpu);
bool guest_no_execute_is_off(const struct vcpu *vcpu); // by IA32_MISC_ENABLE

// Gives the guest an exception; it is delivered by the next entry.
void guest_fault(struct vcpu *vcpu, unsigned vector, bool has_error, uint32_t error);

// MOV to CR0, and LMSW (control.c). False: the guest gets #GP(0).
bool guest_write_cr0(struct vcpu *vcpu, uint64_t value);
bool guest_write_msw(struct vcpu *vcpu, uint64_t value);

// CR4 bits that the guest may set: the ones of the features that CPUID tells it of (control.c).
uint64_t guest_cr4_bits(struct vcpu *vcpu);

// The four top entries of PAE paging where the guest uses it; null: it does not, or they are not in RAM.
const uint64_t *guest_pdptes(struct vcpu *vcpu);

// MOV to CR0 or CR4, LMSW, CLTS, XSETBV (control.c), MOV to a debug register (debugreg.c), IN, OUT, INS, OUTS
// (portio.c), one instruction on memory that is not RAM (mmio.c).
void emulate_control(struct vcpu *vcpu, const struct exit *exit);
void emulate_debug_write(struct vcpu *vcpu, const struct exit *exit);
void emulate_port(struct vcpu *vcpu, const struct exit *exit);
void emulate_mmio(struct vcpu *vcpu, const struct exit *exit);

// The guest's TSC now, and moving it (IA32_TSC, IA32_TSC_ADJUST).
uint64_t guest_tsc(const struct vcpu *vcpu);
void     guest_tsc_set_adjust(struct vcpu *vcpu, uint64_t adjust);

void pv_write_system_time(struct vcpu *vcpu, uint64_t value);
void pv_write_wall_clock(struct vcpu *vcpu, uint64_t value);
bool pv_write_steal_time(struct vcpu *vcpu, uint64_t value);
void pv_tsc_moved(struct vcpu *vcpu, uint64_t delta);

#endif
