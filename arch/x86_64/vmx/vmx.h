// SPDX-License-Identifier: MIT
// What the files of the VMX backend share.
#ifndef ARCH_X86_64_VMX_VMX_H
#define ARCH_X86_64_VMX_VMX_H

#include "arch/x86_64/quick.h"
#include "arch/x86_64/guest/guest.h"
#include "arch/x86_64/vmx/vmcs.h"

static inline uint64_t vmread(enum vmcs_field field)
{
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=rm"(value) : "r"((uint64_t)field) : "cc", "memory");
    return value;
}

static inline void vmwrite(enum vmcs_field field, uint64_t value)
{
    __asm__ volatile("vmwrite %1, %0" : : "r"((uint64_t)field), "rm"(value) : "cc", "memory");
}

// What this processor's VMX can do and what every VMCS here begins with (vmx/caps.c).
struct vmx_caps {
    uint32_t revision;
    uint32_t pin, proc, proc2, exit, entry; // the control words
    uint64_t cr0_required, cr4_required;    // bits that a guest's register must have, its own wish aside
    unsigned timer_rate;                    // the preemption timer counts once in 2^rate cycles
    bool     timer;                         // there is one
    bool     vpid;
    bool     tsc_scaling;
    bool     trap_flag;                     // MTF
};
extern struct vmx_caps vmx_caps;

#define APIC_PAGE_TPR 0x80 // of the virtual-APIC page, SDM 3C 29.1

// Looks at everything VMX offers. False: it is not there, is turned off, or lacks what this version needs.
bool vmx_probe(struct refusal *refusal);
const char *vmx_describe(void);

// vendor->get and vendor->set.
uint64_t vmx_get(const struct vcpu *vcpu, enum guest_register reg);
void     vmx_set(struct vcpu *vcpu, enum guest_register reg, uint64_t value);
void     vmx_segment(struct vcpu *vcpu, unsigned reg, struct guest_segment *segment, bool set);

// After page tables or paging changed behind the CPU's back: SDM 3C 28.3.3.
void vmx_flush_translations(void);

// The short way, as svm_answer() in svm.h.
enum quick_outcome vmx_answer(struct vcpu *vcpu);

// vendor->step.
void vmx_step(struct vcpu *vcpu, struct slice *slice, struct exit *exit);

// Turns the VMCS's exit into a neutral one, and keeps an event whose delivery the exit interrupted.
void vmx_decode_exit(struct vcpu *vcpu, struct exit *exit);

// The entry did not happen: ends the VM and says which rule its VMCS broke.
__attribute__((noinline, cold)) void vmx_entry_failed(struct vcpu *vcpu);

// Writes what the next entry delivers.
void vmx_set_event(struct vcpu *vcpu, uint32_t event, uint32_t error);

#endif
