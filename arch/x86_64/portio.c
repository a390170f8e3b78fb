// SPDX-License-Identifier: MIT
// IN, OUT, INS and OUTS. The CPU has already checked IOPL and the TSS bitmap; what is left is the device's half and,
// for the string forms, the guest's memory. A repeated one does a bounded number of iterations an exit, so that no
// count a guest can load keeps the monitor busy.
#include "arch/x86_64/operand.h"
#include "vmm/account.h"

#define STRING_ITERATIONS_PER_EXIT 32

// By operand size; the hardware's field can hold no other than these three.
static const uint32_t size_masks[8] = { [1] = UINT8_MAX, [2] = UINT16_MAX, [4] = UINT32_MAX };

void guest_execute_port(struct vcpu *vcpu, uint64_t *rax, uint16_t port, uint8_t size, bool is_write)
{
    uint64_t mask = size_masks[size];
    struct io_access io = { port, *rax & mask, size, is_write };
    machine_port(vcpu->vm, &io);
    if (!is_write) // a 32-bit result clears the upper half, smaller ones leave the rest
        *rax = size == 4 ? io.value & mask : (*rax & ~mask) | (io.value & mask);
}

static void simple(struct vcpu *vcpu, const struct exit *exit)
{
    guest_execute_port(vcpu, &vcpu_regs(vcpu)->gpr[GPR_RAX], exit->port, exit->size, exit->is_write);
    vcpu_skip(vcpu, exit->insn_length);
}

// One iteration; false: the guest got a fault instead. It gets it before the device is touched.
static bool string_once(struct vcpu *vcpu, const struct exit *exit, const struct insn *insn, uint64_t address_mask)
{
    struct emulate_regs *regs = vcpu_regs(vcpu);
    uint64_t *index = &regs->gpr[exit->is_write ? GPR_RSI : GPR_RDI];
    uint64_t linear = guest_linear(vcpu, exit->is_write ? insn->segment : INSN_ES, *index & address_mask);
    struct io_access io = { .offset = exit->port, .size = exit->size, .is_write = exit->is_write };
    struct operand_address memory;
    if (!operand_translate(vcpu, linear, exit->size, exit->is_write ? GUEST_READ : GUEST_WRITE, &memory))
        return false;
    if (exit->is_write)
        operand_read(vcpu, &memory, &io.value);
    machine_port(vcpu->vm, &io);
    if (!exit->is_write)
        operand_write(vcpu, &memory, &io.value);
    bool down = (regs->rflags & (UINT64_C(1) << 10)) != 0;
    uint64_t next = down ? *index - exit->size : *index + exit->size;
    *index = address_mask == UINT16_MAX ? (*index & ~address_mask) | (next & address_mask) : next & address_mask;
    return true;
}

// Each iteration takes its time; the exit itself accounts for one. False: a timer has come due meanwhile.
static bool next_iteration(struct vcpu *vcpu)
{
    vcpu_emulated(vcpu, EXIT_PORT);
    return !vcpu_timers_due(vcpu);
}

static __attribute__((noinline)) void string(struct vcpu *vcpu, const struct exit *exit)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    if (insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) != DECODE_OK) {
        vm_kill(vcpu->vm, "the string I/O instruction at rip %#lx cannot be read", vcpu_regs(vcpu)->rip);
        return;
    }
    uint64_t address_mask = insn.address_size == 8   ? UINT64_MAX
                            : insn.address_size == 4 ? UINT32_MAX
                                                     : UINT16_MAX;
    uint64_t *rcx = &vcpu_regs(vcpu)->gpr[GPR_RCX];
    uint64_t count = exit->is_repeated ? *rcx & address_mask : 1;
    bool single_step = (vcpu_regs(vcpu)->rflags & RFLAGS_TF) != 0; // each iteration traps
    unsigned at_once = single_step ? 1 : STRING_ITERATIONS_PER_EXIT;
    for (unsigned i = 0; i < at_once && count != 0 && vcpu->vm->end == VM_RUNNING; i++) {
        if (i != 0 && !next_iteration(vcpu))
            break;
        if (!string_once(vcpu, exit, &insn, address_mask))
            return;
        count--;
        if (exit->is_repeated)
            *rcx = address_mask == UINT16_MAX ? (*rcx & ~address_mask) | count : count;
    }
    if (count == 0)
        vcpu_skip(vcpu, exit->insn_length);
    else if (single_step)
        vcpu_skip(vcpu, 0);
}

void emulate_port(struct vcpu *vcpu, const struct exit *exit)
{
    if (exit->is_string)
        string(vcpu, exit);
    else
        simple(vcpu, exit);
}
