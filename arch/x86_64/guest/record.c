// SPDX-License-Identifier: MIT
// The record of a VM that the monitor ends: the registers of its vCPU, and the code at its instruction pointer.
#include "arch/x86_64/guest/guest.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"

static void general_registers(const struct emulate_regs *r)
{
    log_line("record", "rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx", r->gpr[0], r->gpr[3], r->gpr[1], r->gpr[2]);
    log_line("record", "rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx", r->gpr[6], r->gpr[7], r->gpr[5], r->gpr[4]);
    log_line("record", "r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx", r->gpr[8], r->gpr[9], r->gpr[10], r->gpr[11]);
    log_line("record", "r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx", r->gpr[12], r->gpr[13], r->gpr[14],
             r->gpr[15]);
}

static void code(struct vcpu *vcpu)
{
    const struct emulate_regs *r = vcpu_regs(vcpu);
    uint8_t bytes[INSN_MAX_LENGTH] = { 0 };
    size_t count = guest_fetch(vcpu, bytes);
    char text[INSN_MAX_LENGTH * 3 + 1] = "";
    for (size_t i = 0; i < count; i++)
        format(text + i * 3, sizeof(text) - i * 3, " %02x", bytes[i]);
    log_line("record", "rip %016lx  rflags %08lx  cpl %lu  %lu-bit  bytes%s", r->rip, r->rflags,
             vendor->get(vcpu, REGISTER_CPL), vendor->get(vcpu, REGISTER_CS_BITS), count != 0 ? text : " not readable");
}

void arch_vcpu_record(struct vcpu *vcpu)
{
    const struct emulate_regs *r = vcpu_regs(vcpu);
    if (vcpu->arch->state_lost) {
        log_line("record", "rip %016lx  rflags %08lx; the refused entry has left no control register", r->rip,
                 r->rflags);
        general_registers(r);
        return;
    }
    code(vcpu);
    general_registers(r);
    log_line("record", "cr0 %08lx  cr2 %016lx  cr3 %016lx  cr4 %08lx  efer %08lx", vendor->get(vcpu, REGISTER_CR0),
             vendor->get(vcpu, REGISTER_CR2), vendor->get(vcpu, REGISTER_CR3), vendor->get(vcpu, REGISTER_CR4),
             vendor->get(vcpu, REGISTER_EFER));
}
