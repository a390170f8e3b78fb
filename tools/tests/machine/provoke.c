// SPDX-License-Identifier: MIT
// A monitor that breaks its own rules on purpose: linked in place of vmm/main.c by tools/tests/machine/panic.t, never
// part of the product. The command line names what to do; each way to fail is a function of its own, so that the
// backtrace names it.
#include "vmm/main.h"

#include <string.h>

#include "arch/arch.h"
#include "vmm/base/alloc.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"

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
void free_twice(void);
void read_before_guest(void);
void read_after_guest(void);
void write_past_window(void);
void read_closed_window(void);
void use_guest(void);
void overrun_array(volatile unsigned bytes);
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

// The second page keeps the sum of what is handed out above what is given back.
__attribute__((noinline)) void free_twice(void)
{
    hpa page = alloc_pages(1, 1), other = alloc_pages(1, 1);
    free_pages(page, 1);
    free_pages(page, 1);
    returned = (int)other.value;
}

__attribute__((noinline)) void panic_in_panic(void)
{
    panic_set_trace_dump(read_beyond_ram);
    panic("the first");
}

// A guest's memory that ends inside a frame of 2 MiB.
#define GUEST_BYTES (5 * MIB + PAGE_SIZE)
#define GUEST_BASE  (16 * MIB)

static struct guest_ram open_guest(void)
{
    struct guest_ram ram;
    if (!guestmem_open(&ram, GUEST_BYTES, GUEST_BASE))
        panic("no memory for a guest");
    return ram;
}

static volatile char *guest_byte(struct guest_ram ram, uint64_t offset)
{
    return guest_pointer(ram, (gpa){ GUEST_BASE + offset }, 1);
}

__attribute__((noinline)) void read_before_guest(void)
{
    returned = *(guest_byte(open_guest(), 0) - 1);
}

__attribute__((noinline)) void read_after_guest(void)
{
    returned = *(guest_byte(open_guest(), GUEST_BYTES - 1) + 1);
}

// Where the monitor would find it by its own map, as it finds all other memory.
__attribute__((noinline)) void write_past_window(void)
{
    *(volatile char *)(open_guest().frames.value + GUEST_BYTES - 1) = 1;
}

__attribute__((noinline)) void read_closed_window(void)
{
    struct guest_ram ram = open_guest();
    volatile char *first = guest_byte(ram, 0);
    guestmem_close(&ram);
    returned = *first;
}

static void require(bool holds, const char *what)
{
    if (!holds)
        panic("not so: %s", what);
}

// Two at once, each to its own bytes; then one after the other has the same frames, and finds nothing in them.
__attribute__((noinline)) void use_guest(void)
{
    uint64_t used = alloc_used_bytes();
    struct guest_ram one = open_guest(), two = open_guest();
    for (uint64_t at = 0; at < GUEST_BYTES; at += PAGE_SIZE)
        *guest_byte(one, at) = 1;
    for (uint64_t at = 0; at < GUEST_BYTES; at += PAGE_SIZE)
        require(*guest_byte(one, at) == 1 && *guest_byte(two, at) == 0, "two guests have two memories");
    require(guest_byte(one, GUEST_BYTES) == NULL && guest_byte(one, UINT64_MAX) == NULL, "a pointer has its bounds");
    volatile char *frames = (volatile char *)one.frames.value;
    guestmem_close(&one);
    for (uint64_t at = 0; at < GUEST_BYTES; at += PAGE_SIZE)
        require(frames[at] == 0, "what a guest leaves is cleared, and the monitor's again");
    guestmem_close(&two);
    require(alloc_used_bytes() == used, "all is given back");
}

// Longer than the array and what the compiler may put behind it, shorter than the stack.
__attribute__((noinline)) void overrun_array(volatile unsigned bytes)
{
    volatile char array[16];
    for (unsigned i = 0; i < bytes; i++)
        array[i] = (char)i;
    returned = array[0];
}

static void do_overrun(void)
{
    overrun_array(64);
    returned = 1;
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
    { "free-twice", free_twice },
    { "before-guest", read_before_guest },
    { "after-guest", read_after_guest },
    { "past-window", write_past_window },
    { "closed-window", read_closed_window },
    { "use-guest", use_guest },
    { "overrun-array", do_overrun },
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
