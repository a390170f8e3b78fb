// SPDX-License-Identifier: MIT
// Why did the processor refuse this VMCS? It says only that controls, host state or guest state are wrong. This goes
// through the same rules, SDM 3C 26.2 and 26.3, in the manual's order, and names the first that is broken: vmx/check.c
// has the controls and the host's state, vmx/check_guest.c and vmx/check_segments.c the guest's. Nothing here touches
// the processor: what it needs, it asks for.
#ifndef ARCH_X86_64_VMX_CHECK_H
#define ARCH_X86_64_VMX_CHECK_H

#include "arch/x86_64/vcpu.h"
#include "arch/x86_64/vmx/vmcs.h"

struct vmx_source {
    uint64_t (*read)(void *context, uint32_t field); // a field of the VMCS
    uint64_t (*msr)(void *context, uint32_t msr);    // a capability MSR
    void *context;
    unsigned physical_bits; // CPUID 80000008h, EAX bits 7:0
    unsigned linear_bits;   // and 15:8
};

struct vmx_broken_rule {
    const char *name; // of the field
    uint32_t field;
    uint64_t value;
    uint64_t bits; // of the value, the ones that are wrong; 0 where it is the value as a whole
    const char *words;
};

// True: `rule` is the first one broken. False: none of the rules known here is. Not looked at, because it takes more
// than the VMCS: memory that it points to (the virtual APIC's TPR, revisions, PDPTEs without EPT, MSR lists), reserved
// bits of IA32_PERF_GLOBAL_CTRL, SMM, SGX, CET, Processor Trace.
bool vmx_check_entry(const struct vmx_source *source, struct vmx_broken_rule *rule);

// ---- Shared by the three files --------------------------------------------------------------------------------------
struct vmx_walk {
    const struct vmx_source *source;
    struct vmx_broken_rule *rule; // words are null until one is broken
    uint32_t pin, proc, proc2, exit, entry, event;
    uint64_t cr0, cr4, rflags;                             // the guest's
    bool unrestricted, long_mode, real_mode, virtual_8086; // what kind of guest it is
};

#define CR4_PCIDE   (UINT64_C(1) << 17)
#define CR4_CET     (UINT64_C(1) << 23)
#define EFER_KNOWN  (UINT64_C(1) | EFER_LME | EFER_LMA | EFER_NXE)

// A field as the rules name it: its encoding and its name.
#define FIELD(name) VMCS_##name, #name

uint64_t vmx_walk_read(const struct vmx_walk *walk, uint32_t field);
uint64_t vmx_walk_msr(const struct vmx_walk *walk, uint32_t msr);

// The field keeps this rule, or it is the first that does not.
void vmx_rule(struct vmx_walk *walk, bool kept, uint32_t field, const char *name, const char *words);
// The same for a rule about single bits: none of `wrong` may be there.
void vmx_rule_bits(struct vmx_walk *walk, uint64_t wrong, uint32_t field, const char *name, const char *words);

// Rules that hold for host and guest alike.
void vmx_rule_canonical(struct vmx_walk *walk, uint32_t field, const char *name);
void vmx_rule_fixed(struct vmx_walk *walk, uint32_t field, const char *name, uint32_t fixed0_msr, uint64_t spared);
void vmx_rule_cr3(struct vmx_walk *walk, uint32_t field, const char *name);
void vmx_rule_pat(struct vmx_walk *walk, uint32_t field, const char *name);

void vmx_check_guest(struct vmx_walk *walk);
void vmx_check_segments(struct vmx_walk *walk);

#endif
