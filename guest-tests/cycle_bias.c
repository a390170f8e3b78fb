// SPDX-License-Identifier: MIT
// M1: how far is the guest's counter off after N straight-line instructions between two exits? Equality with N is asked.
//
// Each measured section is: RDTSC, exit, N instructions, exit, RDTSC. An exiting instruction counts 0 under Escapement and
// 1 on a bare instruction-counting emulator, so the expected difference is known by construction.
#include "guest-tests/lib/devices.h"

#define ROUNDS 20

// \prepare is the number of instructions inside one \exit beside the exiting one. ESI keeps the first counter value;
// R9D is the loop count (500,000 rounds of DEC and JNZ are 10^6 instructions), R8 the address of the APIC's ID register.
__asm__(
    ".text\n"
    ".macro exit_cpuid\n xor %eax,%eax\n cpuid\n .endm\n"
    ".macro exit_out\n out %al,$0x80\n .endm\n"
    ".macro exit_in\n in $0x61,%al\n .endm\n"
    ".macro exit_vmmcall\n mov $0x4553430f,%eax\n vmmcall\n .endm\n"
    ".macro exit_npf\n mov (%r8),%eax\n .endm\n"
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
    "kind cpuid\n kind out\n kind in\n kind vmmcall\n kind npf\n kind rdmsr\n kind none\n kind halt\n"
    ".globl bare_iretq\n"
    "bare_iretq: iretq\n");

typedef uint64_t (*measured)(void);
extern const measured bias_cpuid[5], bias_out[5], bias_in[5], bias_vmmcall[5], bias_npf[5], bias_rdmsr[5], bias_none[5],
    bias_halt[5];
void bare_iretq(void);

static const uint64_t lengths[5] = { 0, 1, 10, 1000, 1000000 };

struct kind {
    const char *name;
    const measured *sections;
    uint64_t beside;  // instructions in one exit beside the exiting ones
    uint64_t exiting; // exiting instructions in one exit
    bool needs_escapement;
};

static const struct kind kinds[] = {
    { "none", bias_none, 0, 0, false },   { "CPUID", bias_cpuid, 1, 1, false },    { "OUT", bias_out, 0, 1, false },
    { "IN", bias_in, 0, 1, false },       { "VMMCALL", bias_vmmcall, 1, 1, true }, { "NPF", bias_npf, 0, 1, false },
    { "RDMSR", bias_rdmsr, 1, 1, false },
};

// The greatest distance from the expected value in ROUNDS rounds, with its sign. 0 is what is asked.
static int64_t worst_bias(measured section, uint64_t expected)
{
    int64_t worst = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t bias = (int64_t)(section() - expected);
        if ((bias < 0 ? -bias : bias) > (worst < 0 ? -worst : worst))
            worst = bias;
    }
    return worst;
}

static void test_kind(const struct kind *kind)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint64_t expected = lengths[i] + 2 + 2 * (kind->beside + kind->exiting * platform.exit_cost);
        if (kind->needs_escapement && !platform.oracle) {
            skip("no such hypercall here", "M1 %s N=%lu", kind->name, lengths[i]);
            continue;
        }
        int64_t bias = worst_bias(kind->sections[i], expected);
        diag("M1 kind=%s N=%lu bias=%ld", kind->name, lengths[i], bias);
        ok_counted(bias == 0, "M1 %s: %lu instructions between two exits count as %lu", kind->name, lengths[i],
                   lengths[i]);
    }
}

// HLT with its interrupt already pending wakes at once. STI, the handler's IRETQ and CLI count beside N; the handler is a
// bare IRETQ, the end of interrupt follows after the measurement.
static void test_halt(void)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint64_t expected = lengths[i] + 2 + 3 + 2 * platform.exit_cost;
        int64_t worst = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            lapic_self_ipi(VECTOR_SELF);
            int64_t bias = (int64_t)(bias_halt[i]() - expected);
            lapic_write(APIC_EOI, 0);
            worst = bias * bias > worst * worst ? bias : worst;
        }
        diag("M1 kind=HLT N=%lu bias=%ld", lengths[i], worst);
        ok_counted(worst == 0, "M1 HLT: %lu instructions after a halt whose interrupt was pending", lengths[i]);
    }
}

// A periodic APIC timer with IF=0: the host's alarms land inside straight-line code; the guest sees none of them.
static void test_alarms(void)
{
    static const uint32_t periods[5] = { 3, 5, 11, 101, 2503 };
    for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint64_t before = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
        lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
        lapic_write(APIC_TMICT, periods[i]);
        int64_t bias = worst_bias(bias_none[i], lengths[i] + 2);
        lapic_timer_stop();
        uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - before : 0;
        diag("M1 kind=INTR N=%lu period=%u exits=%lu bias=%ld", lengths[i], periods[i], exits, bias);
        ok_counted(bias == 0, "M1 INTR: %lu instructions with alarms falling among them", lengths[i]);
    }
    uint64_t before = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(APIC_TMICT, 5003);
    int64_t bias = (int64_t)(bias_none[4]() - 1000002);
    lapic_timer_stop();
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - before : 0;
    diag("M1 kind=INTR N=1000000 period=5003 exits=%lu bias=%ld", exits, bias);
    ok_exact(bias == 0 && exits >= 199, "M1 INTR: at least 199 alarms came, none of them counted");
    interrupts_off();
}

static void spurious(struct trap *trap)
{
    (void)trap;
}

static void timer_tick(struct trap *trap)
{
    (void)trap;
    lapic_write(APIC_EOI, 0);
}

void test_main(void)
{
    plan((unsigned)(1 + ARRAY_LENGTH(kinds) * 5 + 5 + 6));
    trap_set(VECTOR_SPURIOUS, spurious);
    trap_set(VECTOR_TIMER, timer_tick);
    trap_set_raw(VECTOR_SELF, bare_iretq, 0);
    lapic_init(false);
    ok_exact(platform.counted, "one counter tick is one instruction");
    for (unsigned i = 0; i < ARRAY_LENGTH(kinds); i++)
        test_kind(&kinds[i]);
    test_halt();
    test_alarms();
}
