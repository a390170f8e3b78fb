// SPDX-License-Identifier: MIT
// One piece of nonsense a run, named by a word of the command line. The guest gets what hardware would give it, or the
// VM is ended with a record; the monitor goes on. tests.cfg says which of the two is expected (33: survived, 2:
// ended).
#include "guest-tests/lib/guest.h"

#define UD 6u
#define GP 13u
#define PF 14u

static uint8_t buffer[1u << 20] __attribute__((aligned(4096)));

static void jump_to(uint64_t address)
{
    __asm__ volatile("call *%0" : : "r"(address) : "memory");
}

static void bad_jump_nowhere(void)
{
    plan(3);
    struct caught c = catch_trap(jump_to, 0xffff900000000000);
    ok(c.vector == PF && c.cr2 == 0xffff900000000000, "a jump to an unmapped page gives #PF (vector %u)", c.vector);
    c = catch_trap(jump_to, 0x8000000000000000);
    ok(c.vector == GP, "a jump to a non-canonical address gives #GP (vector %u)", c.vector);
    diag("now a jump to an address where the machine has nothing");
    jump_to(0xd0000000);
    ok(false, "still here");
}

static void load_idt(uint64_t base, uint16_t limit)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { limit, base };
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static void bad_triple_fault(void)
{
    plan(1);
    load_idt(0, 0);
    __asm__ volatile("ud2");
    ok(false, "still here");
}

static void bad_cli_loop(void)
{
    plan(1);
    diag("an endless loop with interrupts off: only the runner's time limit ends this");
    for (;;)
        __asm__ volatile("cli");
}

static void bad_cli_hlt(void)
{
    plan(1);
    diag("a halt that nothing can end");
    __asm__ volatile("cli\n\thlt");
    ok(false, "still here");
}

// What only a hypervisor executes, on either maker's CPUs; RAX points to memory. What is not assembled by name has no
// operand that the compiler would have to know.
#define PRIVILEGED(name, text)                                                                                         \
    static void name(uint64_t address)                                                                                 \
    {                                                                                                                  \
        __asm__ volatile(text : : "a"(address), "c"(0), "d"(0) : "memory");                                            \
    }
PRIVILEGED(do_vmrun, "vmrun %%rax")
PRIVILEGED(do_vmload, "vmload %%rax")
PRIVILEGED(do_vmsave, "vmsave %%rax")
PRIVILEGED(do_stgi, "stgi")
PRIVILEGED(do_clgi, "clgi")
PRIVILEGED(do_invlpga, "invlpga %%rax, %%ecx")
PRIVILEGED(do_skinit, "mov $0, %%eax\n\t.byte 0x0f, 0x01, 0xde")
PRIVILEGED(do_vmxon, "vmxon (%%rax)")
PRIVILEGED(do_vmclear, "vmclear (%%rax)")
PRIVILEGED(do_vmptrld, "vmptrld (%%rax)")
PRIVILEGED(do_vmptrst, "vmptrst (%%rax)")
PRIVILEGED(do_vmread, "vmread %%rcx, (%%rax)")
PRIVILEGED(do_vmwrite, "vmwrite (%%rax), %%rcx")
PRIVILEGED(do_vmlaunch, "vmlaunch")
PRIVILEGED(do_vmresume, "vmresume")
PRIVILEGED(do_vmxoff, "vmxoff")
PRIVILEGED(do_invept, "invept (%%rax), %%rcx")
PRIVILEGED(do_invvpid, "invvpid (%%rax), %%rcx")
PRIVILEGED(do_vmfunc, "mov $0, %%eax\n\tvmfunc")
PRIVILEGED(do_getsec, "mov $0, %%eax\n\t.byte 0x0f, 0x37")
PRIVILEGED(do_rsm, "rsm")

static void enable_svm(uint64_t unused)
{
    (void)unused;
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 1u << 12); // EFER.SVME
}

static void set_cr4_bits(uint64_t bits)
{
    __asm__ volatile("mov %%cr4, %%rax\n\tor %0, %%rax\n\tmov %%rax, %%cr4" : : "r"(bits) : "rax", "memory");
}

static const struct {
    const char *name;
    void (*run)(uint64_t address);
} privileged[] = {
    { "VMRUN", do_vmrun },       { "VMLOAD", do_vmload },     { "VMSAVE", do_vmsave },   { "STGI", do_stgi },
    { "CLGI", do_clgi },         { "INVLPGA", do_invlpga },   { "SKINIT", do_skinit },   { "VMXON", do_vmxon },
    { "VMCLEAR", do_vmclear },   { "VMPTRLD", do_vmptrld },   { "VMPTRST", do_vmptrst }, { "VMREAD", do_vmread },
    { "VMWRITE", do_vmwrite },   { "VMLAUNCH", do_vmlaunch }, { "VMRESUME", do_vmresume }, { "VMXOFF", do_vmxoff },
    { "INVEPT", do_invept },     { "INVVPID", do_invvpid },   { "VMFUNC", do_vmfunc },   { "GETSEC", do_getsec },
    { "RSM", do_rsm },
};

static void bad_vmrun(void)
{
    plan(ARRAY_LENGTH(privileged) + 2);
    for (unsigned i = 0; i < ARRAY_LENGTH(privileged); i++) {
        struct caught c = catch_trap(privileged[i].run, (uint64_t)buffer);
        ok(c.vector == UD, "%s gives #UD (vector %u)", privileged[i].name, c.vector);
    }
    if (platform.escapement) {
        ok(catch_trap(enable_svm, 0).vector == GP, "EFER.SVME cannot be set: #GP");
        ok(catch_trap(set_cr4_bits, 1u << 13).vector == GP && catch_trap(set_cr4_bits, 1u << 14).vector == GP,
           "nor CR4's VMXE and SMXE");
    } else {
        skip("this machine may have SVM", "EFER.SVME");
        skip("this machine may have VMX", "CR4's VMXE and SMXE");
    }
}

// An exception whose handler begins with the same exception: no instruction ever retires.
void fault_again(void);
__asm__(".text\n.globl fault_again\nfault_again: ud2\n");

static void bad_ud_loop(void)
{
    plan(1);
    diag("an exception that raises itself for ever");
    trap_set_raw(UD, fault_again, 2);
    __asm__ volatile("ud2");
    ok(false, "still here");
}

// A page fault whose handler lies in no page: not even an instruction that faults is there to be counted.
static void bad_pf_loop(void)
{
    void (*no_page)(void) = (void (*)(void))0xffff900000000000;
    plan(1);
    diag("a page fault that raises itself for ever");
    trap_set_raw(PF, no_page, 2);
    no_page();
    ok(false, "still here");
}

// Where the frame of an instruction breakpoint has RF clear, as AMD's has, only a handler that sets it comes further.
void debug_again(void);
__asm__(".text\n.globl debug_again\ndebug_again: orl $0x10000, 16(%rsp)\n\tiretq\n");

// An instruction breakpoint on the first instruction of the debug handler itself. Under QEMU 7.2 a guest's breakpoints
// never come (arch/x86_64/guest/debugreg.c), so this ends there; elsewhere each is an exit, and the monitor ends the
// VM.
static void bad_db_loop(void)
{
    plan(1);
    trap_set_raw(1, debug_again, 2);
    __asm__ volatile("mov %0, %%dr0\n\tmov %1, %%dr7" : : "r"(debug_again), "r"((uint64_t)0x402) : "memory");
    __asm__ volatile("int $1");
    ok(true, "a breakpoint on the debug handler is survived");
}

// Instruction breakpoints where the monitor's code may be: the addresses are the guest's own, and mean nothing there.
// One on the handler itself is another test.
static void bad_db_monitor(void)
{
    uint64_t dr7 = 0x4aa, off = 0x400, seen;
    plan(2);
    trap_set_raw(1, debug_again, 2);
    for (uint64_t at = 0x100000; at < 0x140000; at += 64) {
        if ((uint64_t)debug_again - at < 4)
            continue;
        __asm__ volatile("mov %0, %%dr0\n\tmov %1, %%dr1\n\tmov %2, %%dr2\n\tmov %3, %%dr3\n\tmov %4, %%dr7"
                         :
                         : "r"(at), "r"(at + 1), "r"(at + 2), "r"(at + 3), "r"(dr7)
                         : "memory");
        cpuid(0, 0);
    }
    __asm__ volatile("mov %%dr7, %0" : "=r"(seen));
    ok(seen == dr7, "DR7 reads as written (0x%lx)", seen);
    __asm__ volatile("mov %%dr3, %0\n\tmov %1, %%dr7" : "=&r"(seen) : "r"(off));
    ok(seen == 0x13ffc3, "DR3 reads as written (0x%lx)", seen);
}

static volatile unsigned traps_taken;

static void stop_stepping(struct trap *trap)
{
    traps_taken++;
    trap->cpu->rflags &= ~UINT64_C(0x100);
}

// The trap after a single-stepped HLT ends the halt. No interrupt would.
static void bad_step_hlt(void)
{
    plan(1);
    trap_set(1, stop_stepping);
    __asm__ volatile("cli\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf\n\thlt\n\tnop" : : : "memory", "cc");
    ok(traps_taken == 1, "a single-stepped HLT is left by its trap (%u traps)", traps_taken);
}

static void bad_gdt_gone(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { 0, 0 };
    plan(1);
    diag("no descriptor table: the next exception cannot be delivered");
    __asm__ volatile("lgdt %0\n\tud2" : : "m"(pointer));
    ok(false, "still here");
}

static void bad_mmio_exec(void)
{
    plan(1);
    diag("a jump into the APIC's registers");
    jump_to(0xfee00000);
    ok(false, "still here");
}

// An x87 load from a device register: no monitor needs to know this one.
static void bad_mmio_weird(void)
{
    plan(1);
    diag("FLD on an APIC register");
    __asm__ volatile("fninit\n\tfldt (%0)" : : "r"((uint64_t)0xfee00300) : "memory");
    ok(platform.escapement == false, "still here");
}

static void bad_stack_in_mmio(void)
{
    plan(1);
    diag("an exception with its stack in the APIC's registers");
    __asm__ volatile("mov %0, %%rsp\n\tud2" : : "r"((uint64_t)0xfee00ff0) : "memory");
    ok(false, "still here");
}

extern uint64_t page_dirs[]; // lib/x86_64/start.S: one entry for each 2 MiB

static void string_out(uint64_t address)
{
    uint64_t left = 65536;
    __asm__ volatile("mov $0x80, %%edx\n\trep outsb" : "+c"(left), "+S"(address) : : "rdx", "memory");
}

static void bad_big_rep_outs(void)
{
    uint64_t left = sizeof(buffer), from = (uint64_t)buffer, to = (uint64_t)buffer;
    plan(5);
    __asm__ volatile("mov $0x80, %%edx\n\trep outsb" : "+c"(left), "+S"(from) : : "rdx", "memory");
    ok(left == 0 && from == (uint64_t)buffer + sizeof(buffer), "a megabyte by REP OUTSB");
    left = 4096;
    __asm__ volatile("mov $0x80, %%edx\n\trep insl" : "+c"(left), "+D"(to) : : "rdx", "memory");
    ok(left == 0 && to == (uint64_t)buffer + 16384, "four pages by REP INSL");
    left = 100;
    from = (uint64_t)buffer + 99;
    __asm__ volatile("std\n\tmov $0x80, %%edx\n\trep outsb\n\tcld" : "+c"(left), "+S"(from) : : "rdx", "memory");
    ok(left == 0 && from == (uint64_t)buffer - 1, "backwards");
    left = 0;
    __asm__ volatile("mov $0x80, %%edx\n\trep outsb" : "+c"(left), "+S"(from) : : "rdx", "memory");
    ok(left == 0 && from == (uint64_t)buffer - 1, "none at all");
    page_dirs[4] = 0; // 8 MiB to 10 MiB
    __asm__ volatile("mov %%cr3, %%rax\n\tmov %%rax, %%cr3" : : : "rax", "memory");
    struct caught c = catch_trap(string_out, 0x800000 - 32768);
    ok(c.vector == PF && c.cr2 == 0x800000, "into an unmapped page: #PF there (vector %u, CR2 0x%lx)", c.vector, c.cr2);
}

static void write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static void write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static void write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static void write_cr8(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static unsigned try_register(const char *name, void (*write)(uint64_t), uint64_t value, uint64_t old)
{
    struct caught c = catch_trap(write, value);
    write(old);
    diag("%s = 0x%lx: %s", name, value, c.vector == TRAP_NONE ? "accepted" : c.vector == GP ? "#GP" : "another fault");
    return c.vector;
}

// Reserved bits of CR3 and CR4 have a word of their own: QEMU 7.2's TCG takes such a MOV for an exit of a guest, and
// without a hypervisor under the guest it repeats it for ever.
static void bad_cr4_garbage(void)
{
    uint64_t cr3, cr4;
    unsigned refused = 0;
    plan(1);
    __asm__ volatile("mov %%cr3, %0\n\tmov %%cr4, %1" : "=r"(cr3), "=r"(cr4));
    for (unsigned i = 0; i < 3; i++) { // the same instruction three times in a row
        refused += try_register("CR4", write_cr4, cr4 | 1u << 31, cr4) == GP;
        refused += try_register("CR4", write_cr4, cr4 | UINT64_C(1) << 63, cr4) == GP;
        refused += try_register("CR3", write_cr3, cr3 | UINT64_C(1) << 62, cr3) == GP;
    }
    ok(refused == 9, "reserved bits of CR3 and CR4: #GP %u times of 9", refused);
}

static void bad_cr_garbage(void)
{
    uint64_t cr0;
    plan(1);
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    try_register("CR0", write_cr0, cr0 | 0xf00000000000000, cr0);
    try_register("CR0", write_cr0, (cr0 | 1u << 29) & ~(UINT64_C(1) << 30), cr0); // NW without CD
    try_register("CR8", write_cr8, 16, 0);
    try_register("CR8", write_cr8, UINT64_MAX, 0);
    ok(true, "garbage in control registers is survived");
}

static const struct named_test words[] = {
    { "jump-nowhere", bad_jump_nowhere },
    { "triple-fault", bad_triple_fault },
    { "cli-loop", bad_cli_loop },
    { "cli-hlt", bad_cli_hlt },
    { "vmrun", bad_vmrun },
    { "ud-loop", bad_ud_loop },
    { "pf-loop", bad_pf_loop },
    { "db-loop", bad_db_loop },
    { "db-monitor", bad_db_monitor },
    { "step-hlt", bad_step_hlt },
    { "gdt-gone", bad_gdt_gone },
    { "mmio-exec", bad_mmio_exec },
    { "mmio-weird", bad_mmio_weird },
    { "stack-in-mmio", bad_stack_in_mmio },
    { "big-rep-outs", bad_big_rep_outs },
    { "cr-garbage", bad_cr_garbage },
    { "cr4-garbage", bad_cr4_garbage },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
