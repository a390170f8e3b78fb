// SPDX-License-Identifier: MIT
// A monitor that breaks its own rules on purpose: linked in place of vmm/main.c by tools/tests/panic.t, never part of
// the product. The command line names what to do; each way to fail is a function of its own, so that the backtrace
// names it.
#include "vmm/main.h"

#include <string.h>

#include "arch/arch.h"
#include "vmm/alloc.h"
#include "vmm/log.h"
#include "vmm/panic.h"

#define NOT_MAPPED ((uintptr_t)0x7000000000)

extern char text_start[], rodata_start[]; // linker.ld

// RETURN_CODE and UNDEFINED, an instruction's bytes and another's name, come from panic.t: they are the processor's.
static uint32_t code_in_data[4] = { RETURN_CODE };

void write_to_text(void);
void write_to_rodata(void);
void execute_data(void);
void execute_pages(void);
void read_page_zero(void);
void read_beyond_ram(void);
int overflow_stack(volatile int depth);
void undefined_instruction(void);
void break_invariant(void);
void panic_in_panic(void);
__attribute__((weak)) void walk_nowhere(void); // provoke_arm64.c

__attribute__((noinline)) void write_to_text(void)
{
    *(volatile char *)text_start = 1;
}

__attribute__((noinline)) void write_to_rodata(void)
{
    *(volatile char *)rodata_start = 1;
}

// The volatile writes after the calls keep them from becoming jumps, which leave no frame.
static volatile int returned;

__attribute__((noinline)) void execute_data(void)
{
    ((void (*)(void))(uintptr_t)code_in_data)();
    returned = 1;
}

__attribute__((noinline)) void execute_pages(void)
{
    hpa page = alloc_pages(1, 1);
    memcpy((void *)page.value, code_in_data, sizeof(code_in_data));
    ((void (*)(void))page.value)();
    returned = 1;
}

__attribute__((noinline)) void read_page_zero(void)
{
    volatile uintptr_t zero = 8;
    returned = *(volatile char *)zero;
}

__attribute__((noinline)) void read_beyond_ram(void)
{
    returned = *(volatile char *)NOT_MAPPED;
}

__attribute__((noinline)) int overflow_stack(volatile int depth)
{
    volatile char used[256];
    used[0] = (char)depth;
    return depth < 0 ? 0 : overflow_stack(depth + 1) + used[0];
}

__attribute__((noinline)) void undefined_instruction(void)
{
    __asm__ volatile(UNDEFINED);
}

__attribute__((noinline)) void break_invariant(void)
{
    invariant_failed("1 == 2", "provoke.c", 1);
}

__attribute__((noinline)) void panic_in_panic(void)
{
    panic_set_trace_dump(read_beyond_ram);
    panic("the first");
}

static void do_overflow(void)
{
    returned = overflow_stack(0);
}

static const struct {
    const char *word;
    void (*act)(void);
} acts[] = {
    { "write-text", write_to_text },      { "write-rodata", write_to_rodata },    { "execute-data", execute_data },
    { "execute-pages", execute_pages },   { "read-zero", read_page_zero },        { "read-beyond", read_beyond_ram },
    { "overflow-stack", do_overflow },    { "undefined", undefined_instruction }, { "invariant", break_invariant },
    { "panic-in-panic", panic_in_panic }, { "walk-nowhere", walk_nowhere },
};

// Is it the last word of the command line? Others, such as log=com2, stand before it.
static bool asked(const char *cmdline, const char *word)
{
    size_t line = strlen(cmdline), length = strlen(word);
    return line > length && cmdline[line - length - 1] == ' ' && memcmp(cmdline + line - length, word, length) == 0;
}

_Noreturn void vmm_main(const struct bootinfo *info)
{
    static const char end[] = "ESCAPEMENT-END status=0 reason=nothing\n";
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (asked(info->cmdline, acts[i].word))
            acts[i].act();
    }
    log_line("provoke", "nothing happened");
    log_raw(end, sizeof(end) - 1);
    arch_machine_exit(0);
}
