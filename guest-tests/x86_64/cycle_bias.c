// SPDX-License-Identifier: MIT
// cycle_bias on x86-64: exits by CPUID, OUT, IN, hypercall, MMIO, RDMSR and HLT.
#include "guest-tests/cycle_bias.h"
#include "guest-tests/lib/x86_64/devices.h"

// \prepare is the number of instructions inside one \exit beside the exiting one. ESI keeps the first counter value;
// R9D is the loop count (500,000 rounds of DEC and JNZ are 10^6 instructions), R8 the address of the APIC's ID
// register.
__asm__(
    ".text\n"
    ".macro exit_cpuid\n xor %eax,%eax\n cpuid\n .endm\n"
    ".macro exit_out\n out %al,$0x80\n .endm\n"
    ".macro exit_in\n in $0x61,%al\n .endm\n"
    ".macro exit_hypercall\n mov $0x4553430f,%eax\n " HYPERCALL " .endm\n"
    ".macro exit_mmio\n mov (%r8),%eax\n .endm\n"
    ".macro exit_rdmsr\n mov $0x1b,%ecx\n rdmsr\n .endm\n"
    ".macro exit_none\n .endm\n"
    ".macro exit_halt\n out %al,$0x80\n .endm\n"
    ".macro section kind, n\n"
    "bias_\\kind\\()_\\n:\n"
    " push %rbx\n"
    " mov $0xfee00020,%r8d\n"
    " mov $500000,%r9d\n"
    " rdtsc\n"
    " mov %eax,%esi\n"
    " .ifc \\kind,halt\n"
    " sti\n hlt\n cli\n"
    " .else\n"
    " exit_\\kind\n"
    " .endif\n"
    " .if \\n == 1000000\n"
    "1: dec %r9d\n"
    " jnz 1b\n"
    " .else\n"
    " .rept \\n\n nop\n .endr\n"
    " .endif\n"
    " exit_\\kind\n"
    " rdtsc\n"
    " sub %esi,%eax\n"
    " mov %eax,%eax\n"
    " pop %rbx\n"
    " ret\n"
    ".endm\n"
    ".macro kind name\n"
    " section \\name,0\n section \\name,1\n section \\name,10\n section \\name,1000\n section \\name,1000000\n"
    ".globl bias_\\name\n"
    "bias_\\name:\n"
    " .quad bias_\\name\\()_0, bias_\\name\\()_1, bias_\\name\\()_10, bias_\\name\\()_1000, bias_\\name\\()_1000000\n"
    ".endm\n"
    "kind cpuid\n kind out\n kind in\n kind hypercall\n kind mmio\n kind rdmsr\n kind none\n kind halt\n"
    ".globl bare_iretq\n"
    "bare_iretq: iretq\n");

extern const measured bias_cpuid[], bias_out[], bias_in[], bias_hypercall[], bias_mmio[], bias_rdmsr[], bias_none[],
    bias_halt[];
void bare_iretq(void);

const struct kind no_exit = { "none", bias_none, 0, 0, false };
const struct kind kinds[] = {
    { "CPUID", bias_cpuid, 1, 1, false },
    { "OUT", bias_out, 0, 1, false },
    { "IN", bias_in, 0, 1, false },
    { "hypercall", bias_hypercall, 1, 1, true },
    { "MMIO", bias_mmio, 0, 1, false },
    { "RDMSR", bias_rdmsr, 1, 1, false },
};
const unsigned kind_count = ARRAY_LENGTH(kinds);
const uint64_t section_own = 2, section_lead = 3;

// HLT with its interrupt already pending wakes at once; an OUT is the second exit. STI, the handler's IRETQ and CLI
// count beside N: the handler is a bare IRETQ, the end of interrupt follows after the measurement.
const struct halt halt = { "HLT", bias_halt, 3, 2 };

uint64_t halt_prepare(void)
{
    trap_set_raw(VECTOR_SELF, bare_iretq, 0);
    lapic_self_ipi(VECTOR_SELF);
    return 0;
}

void halt_finish(void)
{
    lapic_write(APIC_EOI, 0);
}

static void spurious(struct trap *trap)
{
    (void)trap;
}

void cycle_bias_prepare(void)
{
    trap_set(VECTOR_SPURIOUS, spurious);
}
