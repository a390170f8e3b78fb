// SPDX-License-Identifier: MIT
// Emulation of one decoded instruction whose memory operand is a device register. Pure: a machine of two steps.
//
//   emulate_begin()   which accesses the instruction makes, of which size, where; changes nothing
//   (the caller reads the device, if plan.kind reads)
//   emulate_finish()  registers, flags and rip; leaves the value to write in plan.write_value
//   (the caller writes the device, if plan.kind writes)
//
// Called on nested page faults outside RAM. It never touches memory and knows no segment bases: offsets are
// segment-relative, and the faulting guest-physical address usually makes them needless. What it does not know is
// EMULATE_UNSUPPORTED: vector moves (insn/vector.h), instructions of the system (mmio_system.c), and what ends the
// VM, such as PUSHF, PUSHA, ENTER with levels and x87. TF and RF, and the interrupt shadow, are the caller's. A LOCK
// prefix is accepted where the CPU accepts it; atomicity is the caller's.
#ifndef ARCH_X86_64_INSN_EMULATE_H
#define ARCH_X86_64_INSN_EMULATE_H

#include "arch/x86_64/insn/decode.h"
#include "arch/x86_64/insn/alu.h"

// insn/rare.c; MUL to IDIV in the order of ModRM.reg.
enum rare_operation {
    RARE_NONE,
    RARE_RCL,
    RARE_RCR,
    RARE_SHLD,
    RARE_SHRD,
    RARE_SCAN_FORWARD, // BSF
    RARE_SCAN_REVERSE, // BSR
    RARE_PRODUCT,      // IMUL with two or three operands
    RARE_MUL,
    RARE_IMUL,
    RARE_DIV,
    RARE_IDIV,
    RARE_CMPXCHG8B, // and CMPXCHG16B
    RARE_JUMP,      // near ones, as the two below; these five are insn/implied.c's
    RARE_CALL,
    RARE_RETURN,
    RARE_ENTER,
    RARE_LEAVE,
};

// Bits 63 to 47 are alike (SDM 1, 3.3.7.1): what is an address in long mode.
static inline bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

struct emulate_regs {
    uint64_t gpr[16]; // in the order of register numbers: rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15
    uint64_t rip, rflags;
};

enum mmio_kind {
    MMIO_NONE,       // a repeated string instruction with a count of zero: finish at once
    MMIO_READ,       // plan.read
    MMIO_COMPARE,    // CMPS: plan.read and plan.write are both read, the second into plan.source
    MMIO_WRITE,      // plan.write, as in all that follow
    MMIO_READ_WRITE, // the same operand is read, then written
    MMIO_COPY,       // MOVS, PUSH, POP: plan.read then plan.write, two operands, of which usually one is a device
};

struct mmio_operand {
    uint64_t offset; // already cut to the address size
    enum insn_segment segment;
};

struct mmio_plan {
    enum mmio_kind kind;
    uint8_t size; // bytes of each access: 1, 2, 4 or 8; 16 for CMPXCHG16B alone
    struct mmio_operand read, write;
    uint64_t write_value; // after emulate_finish
    uint64_t high;        // of 16 bytes the upper half: what was read, then what is to be written

    // Between begin and finish.
    enum alu_operation operation;
    enum rare_operation rare;
    bool to_register;      // the destination is `reg`; else it is memory
    uint8_t reg;           // the register operand, whether destination or source
    uint8_t register_size; // bytes; differs from size for MOVZX and MOVSX
    uint64_t source;       // the operand that is not memory, or CMPS's second one
    bool implied;          // operands come from rSI, rDI or rSP
    bool string, repeated;
    int32_t stack_delta;   // by which rSP moves; a push is negative
    uint8_t stack_bytes;
};

enum emulate_result { EMULATE_OK, EMULATE_UNSUPPORTED, EMULATE_DIVIDE_ERROR, EMULATE_GENERAL_PROTECTION };

// Plan `insn`, which was decoded at regs->rip, with a stack pointer of stack_bytes: 8 in 64-bit mode, else by SS.B 4 or
// 2. The plan is valid only when the result is EMULATE_OK.
enum emulate_result emulate_begin(struct mmio_plan *plan, const struct insn *insn, const struct emulate_regs *regs,
                                  unsigned stack_bytes);

// Complete it. `read_value` is what the caller read (its bits above plan->size are ignored). A repeated string
// instruction does one iteration: rip advances with the last, until then the guest executes it again.
// EMULATE_DIVIDE_ERROR, EMULATE_GENERAL_PROTECTION: the guest gets #DE or #GP(0), and nothing was changed.
enum emulate_result emulate_finish(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs,
                                   uint64_t read_value);

static inline bool mmio_plan_reads(const struct mmio_plan *plan)
{
    return plan->kind != MMIO_WRITE && plan->kind != MMIO_NONE;
}

// After it rip is wherever the instruction went.
static inline bool mmio_plan_jumps(const struct mmio_plan *plan)
{
    return plan->rare >= RARE_JUMP && plan->rare <= RARE_RETURN;
}

static inline bool mmio_plan_writes(const struct mmio_plan *plan)
{
    return plan->kind >= MMIO_WRITE;
}

#endif
