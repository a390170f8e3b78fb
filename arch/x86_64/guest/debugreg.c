// SPDX-License-Identifier: MIT
// MOV to DR0-3 and DR7, done here for the guest; reads need no exit. DR0-3 are live in the CPU, as the monitor has no
// breakpoints of its own; DR7 is in the VMCB and the CPU's own is off while the monitor runs, so on hardware the
// guest's breakpoints work as ever, in the guest.
//
// They are done here because of QEMU's TCG (7.2): there a MOV that the guest executes itself sets its breakpoints for
// the whole host, #VMEXIT leaves them armed, and one at an address that the monitor executes is a #DB in the
// monitor, between two instructions of the world switch if the guest likes. Written by the monitor while its own DR7 is
// off they are not armed there at all: a guest's breakpoints never come, which is the price. QEMU 10 arms and disarms
// them at VMRUN and #VMEXIT, and they come.
#include "arch/x86_64/guest/guest.h"

#define DR7_ONE  (UINT64_C(1) << 10) // reads as 1
#define DR7_ZERO ((UINT64_C(1) << 11) | (UINT64_C(1) << 12) | (UINT64_C(1) << 14) | (UINT64_C(1) << 15))
#define CR4_DE   (UINT64_C(1) << 3)

static void write_live(unsigned reg, uint64_t value)
{
    switch (reg) {
    case 0: __asm__ volatile("mov %0, %%db0" : : "r"(value)); break;
    case 1: __asm__ volatile("mov %0, %%db1" : : "r"(value)); break;
    case 2: __asm__ volatile("mov %0, %%db2" : : "r"(value)); break;
    default: __asm__ volatile("mov %0, %%db3" : : "r"(value)); break;
    }
}

// SDM 3B 17.2.2: DR4 and DR5 are DR6 and DR7 unless CR4.DE says they are none.
static bool exists(struct vcpu *vcpu, unsigned reg)
{
    return reg < 4 || reg == 7 || (reg == 5 && (vendor->get(vcpu, REGISTER_CR4) & CR4_DE) == 0);
}

// With general detect on (SDM 3B 17.2.4) any MOV of a debug register is a fault.
static void execute(struct vcpu *vcpu, const struct insn *insn)
{
    unsigned reg = insn_reg(insn);
    uint64_t dr7 = vendor->get(vcpu, REGISTER_DR7), value = vcpu_regs(vcpu)->gpr[insn_rm(insn)];
    if (guest_code_bits(vcpu) != 64)
        value &= UINT32_MAX;
    if (!exists(vcpu, reg)) {
        guest_fault(vcpu, EXCEPTION_UD, false, 0);
    } else if ((dr7 & DR7_GD) != 0) {
        guest_debug_trap(vcpu, DR6_BD);
    } else if (reg >= 4 && value >> 32 != 0) {
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
    } else {
        if (reg < 4)
            write_live(reg, value);
        else
            vendor->set(vcpu, REGISTER_DR7, (value & ~DR7_ZERO) | DR7_ONE);
        vcpu_skip(vcpu, insn->length);
    }
}

void emulate_debug_write(struct vcpu *vcpu, const struct exit *exit)
{
    (void)exit;
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    if (insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) == DECODE_OK &&
        insn.map == INSN_MAP_0F && insn.opcode == 0x23)
        execute(vcpu, &insn);
    else
        vm_kill(vcpu->vm, "the instruction that writes a debug register at rip %#lx cannot be read",
                vcpu_regs(vcpu)->rip);
}
