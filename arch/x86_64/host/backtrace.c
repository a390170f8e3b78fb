// SPDX-License-Identifier: MIT
// Backtraces and the record of a host exception. The frame pointer chain is walked only while it stays inside a known
// stack and climbs; the names come from the table that tools/symbols links into the image. Called by panic.c and idt.c.
#include "arch/x86_64/host/backtrace.h"

#include "arch/host.h"
#include "arch/x86_64/host/cpu.h"
#include "arch/x86_64/host/idt.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"

#define FRAMES_MAX 32

// tools/symbols: sorted by address; empty in the first of the two links.
struct symbol {
    uint32_t address;
    uint32_t name; // offset in symbol_names
};
extern const struct symbol symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];

extern const char text_start[], text_end[]; // linker.ld

static bool in_text(uint64_t address)
{
    return address >= (uintptr_t)text_start && address < (uintptr_t)text_end;
}

const char *symbol_of(uint64_t address, uint64_t *offset)
{
    if (symbol_count == 0 || !in_text(address) || address < symbol_table[0].address)
        return NULL;
    uint32_t low = 0, high = symbol_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbol_table[middle].address <= address)
            low = middle;
        else
            high = middle;
    }
    *offset = address - symbol_table[low].address;
    return symbol_names + symbol_table[low].name;
}

// A return address may lie one byte behind its function when the call was the last instruction (_Noreturn callees): the
// name is looked up one byte before.
static void print_line(unsigned number, uint64_t address, bool is_return)
{
    uint64_t offset = 0;
    const char *name = symbol_of(address - is_return, &offset);
    if (name != NULL)
        log_line("panic", "#%-2u %#010lx %s+%#lx", number, address, name, offset + is_return);
    else
        log_line("panic", "#%-2u %#010lx %s", number, address, in_text(address) ? "?" : "outside the text");
}

void arch_backtrace(uint64_t ip, uint64_t sp, uint64_t fp)
{
    unsigned number = 0;
    if (ip != 0)
        print_line(number++, ip, false);
    // A function that calls nobody has no frame of its own, and one that has just been called has none yet: then the
    // address it returns to is on top of the stack, and the chain begins only at its caller's caller.
    if (sp % 8 == 0 && sp != fp + 8 && host_stack_contains(sp, 8) && in_text(*(const uint64_t *)sp))
        print_line(number++, *(const uint64_t *)sp, true);
    while (number < FRAMES_MAX && fp % 8 == 0 && host_stack_contains(fp, 16)) {
        uint64_t caller_fp = ((const uint64_t *)fp)[0], return_address = ((const uint64_t *)fp)[1];
        print_line(number++, return_address, true);
        if (caller_fp <= fp)
            break;
        fp = caller_fp;
    }
}

// SDM 3A table 6-1.
static const char *exception_name(uint64_t vector)
{
    static const char *const names[32] = {
        [0] = "divide error",
        [1] = "debug",
        [2] = "NMI",
        [3] = "breakpoint",
        [4] = "overflow",
        [5] = "bound range",
        [6] = "invalid opcode",
        [7] = "no FPU",
        [8] = "double fault",
        [10] = "invalid TSS",
        [11] = "no segment",
        [12] = "stack segment",
        [13] = "general protection",
        [14] = "page fault",
        [16] = "x87 error",
        [17] = "alignment check",
        [18] = "machine check",
        [19] = "SIMD error",
        [20] = "virtualization",
        [21] = "control protection",
    };
    return vector < 32 && names[vector] != NULL ? names[vector] : "unknown exception";
}

static void print_registers(const void *state)
{
    const struct trap_frame *f = state;
    log_line("panic", "rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
    log_line("panic", "rsi %016lx rdi %016lx rbp %016lx rsp %016lx", f->rsi, f->rdi, f->rbp, f->rsp);
    log_line("panic", "r8  %016lx r9  %016lx r10 %016lx r11 %016lx", f->r8, f->r9, f->r10, f->r11);
    log_line("panic", "r12 %016lx r13 %016lx r14 %016lx r15 %016lx", f->r12, f->r13, f->r14, f->r15);
    log_line("panic", "rip %016lx rflags %08lx cs %02lx ss %02lx error %lx", f->rip, f->rflags, f->cs, f->ss, f->error);
    log_line("panic", "cr0 %08lx cr2 %016lx cr3 %lx cr4 %lx", x86_read_cr0(), x86_read_cr2(), x86_read_cr3(),
             x86_read_cr4());
}

// SDM 3A 4.7: page fault error code.
static size_t describe_page_fault(char *out, size_t size, const struct trap_frame *frame)
{
    uint64_t address = x86_read_cr2();
    const char *guard = host_stack_guard_name(address);
    const char *action = (frame->error & 16) != 0 ? "execute" : (frame->error & 2) != 0 ? "write to" : "read of";
    size_t used =
        format(out, size, ": %s %#lx, %s", action, address, (frame->error & 1) != 0 ? "not permitted" : "not mapped");
    if (guard != NULL)
        used += format(out + used, size - used, " (the %s stack has overflowed into its guard page)", guard);
    return used;
}

_Noreturn void panic_exception(const struct trap_frame *frame)
{
    char text[200];
    size_t used = format(text, sizeof(text), "exception %lu, %s", frame->vector, exception_name(frame->vector));
    const char *guard = host_stack_guard_name(x86_read_cr2());
    if (frame->vector == VECTOR_PAGE_FAULT)
        describe_page_fault(text + used, sizeof(text) - used, frame);
    else if (frame->vector == VECTOR_DOUBLE_FAULT && guard != NULL)
        format(text + used, sizeof(text) - used, ": the %s stack has overflowed into its guard page", guard);
    struct panic_origin origin = { frame->rip, frame->rsp, frame->rbp, print_registers, frame };
    panic_from(&origin, text);
}
