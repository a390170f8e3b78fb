// SPDX-License-Identifier: MIT
// A VM entry that the processor refused: the VM ends, and its record says which field broke which rule.
#include "arch/x86_64/vmx/vmx.h"
#include "arch/x86_64/vmx/check.h"

static uint64_t read_field(void *context, uint32_t field)
{
    (void)context;
    return vmread((enum vmcs_field)field);
}

static uint64_t read_capability(void *context, uint32_t msr)
{
    (void)context;
    return x86_rdmsr(msr);
}

void vmx_entry_failed(struct vcpu *vcpu)
{
    bool instruction = vcpu->arch->world.entry_failed; // VMLAUNCH itself, before any guest state
    uint32_t sizes = x86_cpuid(0x80000008, 0).eax;
    struct vmx_broken_rule rule;
    const struct vmx_source source = {
        .read = read_field,
        .msr = read_capability,
        .physical_bits = sizes & 0xff,
        .linear_bits = sizes >> 8 & 0xff,
    };
    uint64_t code = vmread(instruction ? VMCS_INSTRUCTION_ERROR : VMCS_EXIT_REASON);
    if (vmx_check_entry(&source, &rule))
        vm_kill(vcpu->vm, "VM entry refused (%s %#lx): %s is %#lx, wrong bits %#lx: %s",
                instruction ? "instruction error" : "exit reason", code, rule.name, rule.value, rule.bits, rule.words);
    else
        vm_kill(vcpu->vm, "VM entry refused (%s %#lx), and no rule that is checked here is broken",
                instruction ? "instruction error" : "exit reason", code);
}
