// SPDX-License-Identifier: MIT
// States of the CPU in which no hypervisor can enter its guest. Where the emulator lets a guest get into one, the
// monitor keeps it out, or the VM ends with a record of its own registers and of nothing else. A word of the command
// line names the piece; tools/tests/ends.t compares the record of `both-widths` with what is printed here.
#include "guest-tests/lib/guest.h"

#define GP 13u

#define CR0_EM (UINT64_C(1) << 2)
#define CR0_TS (UINT64_C(1) << 3)
#define CR0_NW (UINT64_C(1) << 29)
#define CR0_CD (UINT64_C(1) << 30)

#define GDT_ENTRIES 5 // lib/x86_64/start.S: 0x08 code, 0x10 data, 0x18 the TSS
#define BOTH_WIDTHS UINT64_C(0x00ef9b000000ffff) // behind them at 0x28: code with L and D

extern uint64_t gdt[];

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

// An exit follows in the same state.
static void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0\n\tcpuid" : "+a"(value) : : "rbx", "rcx", "rdx", "memory");
}

static void load_msw(uint64_t value)
{
    __asm__ volatile("lmsw %w0\n\tcpuid" : "+a"(value) : : "rbx", "rcx", "rdx", "memory");
}

static void load_msw_from_memory(uint64_t value)
{
    uint16_t word = (uint16_t)value;
    __asm__ volatile("lmsw %0\n\tcpuid" : : "m"(word), "a"(0) : "rbx", "rcx", "rdx", "memory");
}

static bool is_refused(void (*write)(uint64_t), uint64_t value)
{
    uint64_t old = read_cr0();
    return catch_trap(write, value).vector == GP && read_cr0() == old;
}

static void bad_cr0(void)
{
    uint64_t old = read_cr0();
    plan(8);
    ok(is_refused(write_cr0, (old | CR0_NW) & ~CR0_CD), "NW without CD: #GP, and CR0 is as it was");
    ok(is_refused(write_cr0, old & ~UINT64_C(1)), "PG without PE: #GP, and CR0 is as it was");
    ok(is_refused(write_cr0, old | UINT64_C(1) << 32), "a bit of the upper half: #GP, and CR0 is as it was");
    write_cr0(old | CR0_CD | CR0_NW);
    ok(read_cr0() == (old | CR0_CD | CR0_NW), "NW with CD");
    write_cr0(old);
    load_msw((old & 0xf) | CR0_EM);
    ok(read_cr0() == (old | CR0_EM), "LMSW sets EM");
    load_msw_from_memory(old & 0xe & ~CR0_EM);
    ok(read_cr0() == old, "LMSW from memory clears EM, and not PE");
    write_cr0(old | CR0_TS);
    __asm__ volatile("clts");
    ok(read_cr0() == old, "CLTS clears TS");
    write_cr0(old ^ UINT64_C(1) << 18);
    ok(read_cr0() == (old ^ UINT64_C(1) << 18), "AM is the guest's to set");
}

// Code for 64 bits and for 32 at once. The MOV to CR3 behind the exit is one that some emulators take for an exit.
static void jump_to_both_widths(uint64_t selector)
{
    struct {
        uint64_t offset;
        uint16_t selector;
    } __attribute__((packed)) target = { 0, (uint16_t)selector };
    __asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\txor %%eax, %%eax\n\trex.w ljmp *%0\n"
                     "1:\tcpuid\n\tmov %1, %%cr3\n\tud2"
                     : "+m"(target) : "r"(UINT64_C(1) << 62) : "rax", "rbx", "rcx", "rdx", "memory");
}

static void both_widths(void)
{
    static uint64_t own_gdt[GDT_ENTRIES + 1];
    const struct {
        uint16_t limit;
        uint64_t *base;
    } __attribute__((packed)) pointer = { sizeof(own_gdt) - 1, own_gdt };
    uint64_t cr3;
    plan(1);
    for (unsigned i = 0; i < GDT_ENTRIES; i++)
        own_gdt[i] = gdt[i];
    own_gdt[GDT_ENTRIES] = BOTH_WIDTHS;
    __asm__ volatile("lgdt %0" : : "m"(pointer));
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    diag("code from 0x%lx, CR3 0x%lx, CR0 0x%lx", (uint64_t)jump_to_both_widths, cr3, read_cr0());
    struct caught c = catch_trap(jump_to_both_widths, 0x28);
    ok(c.vector == GP && c.error == 0x28, "a jump to code of both widths: #GP (vector %u)", c.vector);
}

static const struct named_test words[] = {
    { "cr0", bad_cr0 },
    { "both-widths", both_widths },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
