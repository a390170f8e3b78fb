// SPDX-License-Identifier: MIT
// IN, OUT, INS and OUTS. The CPU has already checked IOPL and the TSS bitmap; what is left is the device's half and,
// for the string forms, the guest's memory. A repeated one does a bounded number of iterations an exit, so that no
// count a guest can load keeps the monitor busy.
#include "arch/x86_64/guest/access.h"
#include "arch/x86_64/insn/plan.h"
#include "arch/x86_64/guest/operand.h"
#include "vmm/account.h"
#include "vmm/base/guestmem.h"

#define STRING_ITERATIONS_PER_EXIT 256

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

// INS or OUTS on its way.
struct string_io {
    const struct exit *exit;
    const struct insn *insn;
    enum insn_segment  segment;
    unsigned           index; // RSI or RDI
    bool               down;
};

static enum guest_access access_of(const struct string_io *io)
{
    return io->exit->is_write ? GUEST_READ : GUEST_WRITE;
}

static uint64_t offset_of(struct vcpu *vcpu, const struct string_io *io)
{
    return read_register(io->insn, vcpu_regs(vcpu), io->index, io->insn->address_size);
}

static void step_index(struct vcpu *vcpu, const struct string_io *io, unsigned elements)
{
    uint64_t bytes = (uint64_t)io->exit->size * elements, offset = offset_of(vcpu, io);
    write_register(io->insn, vcpu_regs(vcpu), io->index, io->insn->address_size,
                   io->down ? offset - bytes : offset + bytes);
}

// One element, wherever it is; false: the guest got a fault instead. It gets it before the device is touched.
static bool string_once(struct vcpu *vcpu, const struct string_io *io)
{
    const struct exit *exit = io->exit;
    struct io_access access = { .offset = exit->port, .size = exit->size, .is_write = exit->is_write };
    struct operand_address memory;
    if (!operand_locate(vcpu, io->segment, offset_of(vcpu, io), exit->size, access_of(io), &memory))
        return false;
    if (exit->is_write)
        operand_read(vcpu, &memory, &access.value);
    machine_port(vcpu->vm, &access);
    if (!exit->is_write)
        operand_write(vcpu, &memory, &access.value);
    step_index(vcpu, io, 1);
    return true;
}

// Of the next `most` elements those that are in one page of RAM, all of them allowed: their number, and where the first
// one is. 0: the next one wants a closer look.
static unsigned elements_in_ram(struct vcpu *vcpu, const struct string_io *io, unsigned most, uint8_t **first)
{
    unsigned size = io->exit->size;
    uint64_t offset = offset_of(vcpu, io), linear = guest_linear(vcpu, io->segment, offset);
    uint64_t inside = linear & (PAGE_SIZE - 1);
    uint64_t count = io->down ? inside / size + 1 : (PAGE_SIZE - inside) / size;
    uint64_t before_wrap = io->down ? offset / size + 1 : (alu_mask(io->insn->address_size) - offset) / size;
    count = count < before_wrap ? count : before_wrap;
    count = count < most ? count : most;
    if (count == 0 || inside + size > PAGE_SIZE || ((linear & (size - 1)) != 0 && guest_checks_alignment(vcpu)))
        return 0;
    uint64_t back = io->down ? (count - 1) * size : 0;
    gpa address;
    if (guest_access_refused(vcpu, io->segment, offset - back, count * size, !io->exit->is_write) != 0 ||
        !guest_translate(vcpu, linear - back, access_of(io), &address))
        return 0;
    uint8_t *ram = guest_pointer(vcpu->vm->ram, address, count * size);
    if (ram == NULL)
        return 0;
    *first = ram + back;
    return (unsigned)count;
}

// Sizes that the compiler knows: no calls.
static inline void copy(void *to, const void *from, unsigned size)
{
    if (size == 1)
        memcpy(to, from, 1);
    else if (size == 2)
        memcpy(to, from, 2);
    else
        memcpy(to, from, 4);
}

// Each iteration takes its time, and the exit itself accounts for the last one. False: that is this one, because with
// its time a timer comes due, or it has raised an interrupt, which comes between two of them, or the VM has ended.
static bool next_iteration(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    uint64_t cost = vm->vtime.clock == CLOCK_GUEST_EMU ? vm->emulated_cycles[EXIT_PORT] : 0;
    bool timer_due = timerq_next(&vm->machine.timers) <= vm->vtime.now + cost;
    bool interrupted = !machine_quiet(&vm->machine) && arch_vcpu_can_wake(vcpu);
    if (timer_due || interrupted || vm->end != VM_RUNNING)
        return false;
    vcpu_emulated(vcpu, EXIT_PORT);
    return true;
}

// So many elements in RAM, at least one: how many there were before something else had to come.
static unsigned iterate_in_ram(struct vcpu *vcpu, const struct string_io *io, unsigned most, uint8_t *ram)
{
    const struct exit *exit = io->exit;
    ptrdiff_t step = io->down ? -(ptrdiff_t)exit->size : exit->size;
    unsigned done = 0;
    do {
        struct io_access access = { .offset = exit->port, .size = exit->size, .is_write = exit->is_write };
        if (exit->is_write)
            copy(&access.value, ram, exit->size);
        machine_port(vcpu->vm, &access);
        if (!exit->is_write)
            copy(ram, &access.value, exit->size);
        ram += step;
        done++;
    } while (done < most && next_iteration(vcpu));
    step_index(vcpu, io, done);
    return done;
}

// Up to `most` iterations: how many there were. Less, where a fault came between, or something else had to.
static unsigned iterate(struct vcpu *vcpu, const struct string_io *io, unsigned most)
{
    uint8_t *ram = NULL;
    unsigned done = 0;
    while (done < most && (done == 0 || next_iteration(vcpu))) {
        unsigned wanted = elements_in_ram(vcpu, io, most - done, &ram), had = 1;
        if (wanted != 0)
            had = iterate_in_ram(vcpu, io, wanted, ram);
        else if (!string_once(vcpu, io))
            break;
        done += had;
        if (had < wanted)
            break;
    }
    return done;
}

static __attribute__((noinline)) void string(struct vcpu *vcpu, const struct exit *exit)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    struct emulate_regs *regs = vcpu_regs(vcpu);
    if (insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) != DECODE_OK) {
        vm_kill(vcpu->vm, "the string I/O instruction at rip %#lx cannot be read", regs->rip);
        return;
    }
    const struct string_io io = {
        .exit = exit,
        .insn = &insn,
        .segment = exit->is_write ? insn.segment : INSN_ES,
        .index = exit->is_write ? GPR_RSI : GPR_RDI,
        .down = (regs->rflags & RFLAGS_DF) != 0,
    };
    uint64_t count = exit->is_repeated ? read_register(&insn, regs, GPR_RCX, insn.address_size) : 1;
    bool single_step = (regs->rflags & RFLAGS_TF) != 0; // each iteration traps
    unsigned at_once = single_step ? 1 : STRING_ITERATIONS_PER_EXIT;
    unsigned done = iterate(vcpu, &io, count < at_once ? (unsigned)count : at_once);
    count -= done;
    if (exit->is_repeated && done != 0)
        write_register(&insn, regs, GPR_RCX, insn.address_size, count);
    if (count == 0)
        vcpu_skip(vcpu, exit->insn_length);
    else if (single_step && done != 0)
        vcpu_skip(vcpu, 0);
}

void emulate_port(struct vcpu *vcpu, const struct exit *exit)
{
    if (exit->is_string)
        string(vcpu, exit);
    else
        simple(vcpu, exit);
}
