// SPDX-License-Identifier: MIT
// What a guest's instruction asks of the architecture, and the guest's memory as its own tables show it: the door of
// this room, for the vendors and for vcpu.c. Headers beside this one are for the room itself, but for codewindow.h.
#ifndef ARCH_X86_64_GUEST_GUEST_H
#define ARCH_X86_64_GUEST_GUEST_H

#include <string.h>

#include "arch/x86_64/vendor.h"

// --- guest memory as the guest's own paging shows it (walk.c) --------------------------------------------------------

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

// Bytes at CS:RIP, at most 15, for guest_fetch().
size_t guest_fetch_by_walking(struct vcpu *vcpu, uint8_t out[15]);

// The bytes of the instruction at CS:RIP that has exited, at most 15. Inline: each access to a register pays for it.
static inline size_t guest_fetch(struct vcpu *vcpu, uint8_t out[15])
{
    const uint8_t *code = vendor->code(vcpu, 15);
    if (code == NULL)
        return guest_fetch_by_walking(vcpu, out);
    memcpy(out, code, 15);
    return 15;
}

// 16, 32 or 64: the operand width of the code segment.
unsigned guest_code_bits(struct vcpu *vcpu);

// --- instructions and registers that belong to x86 (cpuid.c, msr.c, pv.c) -------------------------------------------

// CPUID and a plain IN or OUT on the guest's registers, without the step over the instruction. RAX is apart, because
// beside the world switch it is still in the VMCB.
void guest_execute_cpuid(struct vcpu *vcpu, uint64_t *rax);
void guest_execute_port(struct vcpu *vcpu, uint64_t *rax, uint16_t port, uint8_t size, bool is_write);

#define HYPERCALL_ORACLE 0x45534300u // "ESC\0" + n, a call of vmm/hypercall.c

// A hypercall by code at any privilege: only the guest's kernel may.
uint64_t guest_hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument);

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

// What #DB for these causes leaves in DR6 and DR7: B0-B3 are those of this one, the other causes are added to what is
// there, general detect is off (SDM 3B 17.2.3, 17.2.4).
void guest_debug_status(struct vcpu *vcpu, uint64_t causes);

// The guest gets #DB for these causes, bits of DR6.
void guest_debug_trap(struct vcpu *vcpu, uint64_t causes);

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

void pv_init(struct vcpu *vcpu); // once V's rate is known, which is the clock page's scale for ever
void pv_write_system_time(struct vcpu *vcpu, uint64_t value);
void pv_write_wall_clock(struct vcpu *vcpu, uint64_t value);
bool pv_write_steal_time(struct vcpu *vcpu, uint64_t value);
void pv_tsc_moved(struct vcpu *vcpu, uint64_t delta);

// Nested page tables: RAM and nothing else. Returns false when out of memory.
bool nested_build(struct guest_ram ram, hpa *root);
void nested_free(hpa root);

#endif
