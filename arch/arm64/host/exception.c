// SPDX-License-Identifier: MIT
// The record of an exception that EL2 itself took: what happened in words (Arm ARM D17.2.37, ESR_EL2), where, the
// registers. Or the one that is no mistake of the monitor's. Called by vectors.S, on the panic stack.
#include "arch/arm64/host/exception.h"

#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/cpu.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"

extern const char guest_at_begin[], guest_at_end[], guest_at_aborted[]; // probe.S

#define EXCEPTIONS_MAX 3 // one, one while it is reported, one while that is said

const char *exception_class_name(unsigned ec)
{
    static const char *const names[64] = {
        [EC_UNKNOWN] = "undefined instruction",
        [EC_WFX] = "trapped WFI or WFE",
        [EC_CP15_32] = "trapped CP15 access",
        [EC_CP15_64] = "trapped CP15 access, 64 bits",
        [EC_CP14_32] = "trapped CP14 access",
        [EC_CP14_LS] = "trapped CP14 load or store",
        [EC_FP] = "trapped FP or SIMD instruction",
        [EC_VMRS] = "trapped VMRS",
        [EC_PAUTH] = "trapped pointer authentication",
        [EC_CP14_64] = "trapped CP14 access, 64 bits",
        [EC_BTI] = "branch target",
        [EC_ILLEGAL_STATE] = "illegal execution state",
        [EC_SVC32] = "SVC of AArch32",
        [EC_HVC32] = "HVC of AArch32",
        [EC_SMC32] = "SMC of AArch32",
        [EC_SVC64] = "SVC",
        [EC_HVC64] = "HVC",
        [EC_SMC64] = "SMC",
        [EC_SYSREG] = "trapped system register access",
        [EC_SVE] = "trapped SVE instruction",
        [EC_ERET] = "trapped ERET",
        [EC_FPAC] = "pointer authentication failure",
        [EC_INST_ABORT_LOW] = "instruction abort of a lower level",
        [EC_INST_ABORT] = "instruction abort",
        [EC_PC_ALIGNMENT] = "misaligned PC",
        [EC_DATA_ABORT_LOW] = "data abort of a lower level",
        [EC_DATA_ABORT] = "data abort",
        [EC_SP_ALIGNMENT] = "misaligned SP",
        [EC_FP32] = "floating point exception of AArch32",
        [EC_FP64] = "floating point exception",
        [EC_SERROR] = "SError",
        [EC_BREAKPOINT_LOW] = "breakpoint of a lower level",
        [EC_BREAKPOINT] = "breakpoint",
        [EC_STEP_LOW] = "software step of a lower level",
        [EC_STEP] = "software step",
        [EC_WATCHPOINT_LOW] = "watchpoint of a lower level",
        [EC_WATCHPOINT] = "watchpoint",
        [EC_BKPT32] = "BKPT of AArch32",
        [EC_VECTOR32] = "vector catch of AArch32",
        [EC_BRK64] = "BRK",
    };
    return ec < 64 && names[ec] != NULL ? names[ec] : "unknown exception class";
}

static const char *fault_name(unsigned fsc)
{
    switch (fsc & 0x3c) {
    case 0x00: return "address too large";
    case 0x04: return "not mapped";
    case 0x08: return "access flag clear";
    case 0x0c: return "not permitted";
    case 0x10: return fsc == 0x10 ? "external abort" : "external abort on a table walk";
    case 0x20: return "misaligned";
    default: return "fault";
    }
}

static size_t describe_abort(char *out, size_t size, const struct trap_frame *frame, bool fetch)
{
    const char *guard = host_stack_guard_name(frame->far);
    const char *action = fetch ? "execute" : (frame->esr & ISS_WNR) != 0 ? "write to" : "read of";
    size_t used = format(out, size, ": %s %#lx, %s", action, frame->far, fault_name(frame->esr & ISS_FSC_MASK));
    if (guard != NULL)
        used += format(out + used, size - used, " (the %s stack has overflowed into its guard page)", guard);
    return used;
}

static void print_registers(const void *state)
{
    const struct trap_frame *f = state;
    for (unsigned i = 0; i < 28; i += 4)
        log_line("panic", "x%-2u %016lx x%-2u %016lx x%-2u %016lx x%-2u %016lx", i, f->x[i], i + 1, f->x[i + 1], i + 2,
                 f->x[i + 2], i + 3, f->x[i + 3]);
    log_line("panic", "x28 %016lx fp  %016lx lr  %016lx sp  %016lx", f->x[28], f->x[29], f->x[30], f->sp);
    log_line("panic", "elr %016lx spsr %08lx esr %08lx far %016lx", f->elr, f->spsr, f->esr, f->far);
    log_line("panic", "hcr %016lx sctlr %08lx tcr %08lx ttbr0 %lx", sysreg_read(hcr_el2), sysreg_read(sctlr_el2),
             sysreg_read(tcr_el2), sysreg_read(ttbr0_el2));
}

static _Noreturn void panic_exception(const struct trap_frame *frame)
{
    static const char *const kinds[4] = { "synchronous", "IRQ", "FIQ", "SError" };
    static unsigned taken;
    if (++taken > EXCEPTIONS_MAX)
        arm64_halt_forever();
    char text[200];
    unsigned ec = (unsigned)(frame->esr >> ESR_EC_SHIFT & 63);
    bool synchronous = frame->vector % 4 == 0;
    size_t used = format(text, sizeof(text), "exception at EL2, %s",
                         synchronous ? exception_class_name(ec) : kinds[frame->vector % 4]);
    if (synchronous && (ec == EC_DATA_ABORT || ec == EC_INST_ABORT))
        describe_abort(text + used, sizeof(text) - used, frame, ec == EC_INST_ABORT);
    // A function without a frame of its own returns to what is in the link register.
    struct panic_origin origin = { frame->elr, (uintptr_t)&frame->x[30], frame->x[29], print_registers, frame };
    panic_from(&origin, text);
}

void exception_taken(const struct trap_frame *frame)
{
    bool in_probe = frame->elr >= (uintptr_t)guest_at_begin && frame->elr < (uintptr_t)guest_at_end;
    if (!in_probe || frame->vector % 4 != 0 || (frame->esr >> ESR_EC_SHIFT & 63) != EC_DATA_ABORT)
        panic_exception(frame);
    sysreg_write(elr_el2, (uintptr_t)guest_at_aborted);
}
