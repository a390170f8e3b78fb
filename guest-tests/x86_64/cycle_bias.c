// SPDX-License-Identifier: MIT
// M1: how far is the guest's counter off after N straight-line instructions between two exits? Equality with N is
// asked.
//
// Each measured section is: RDTSC, exit, N instructions, exit, RDTSC. An exiting instruction counts 0 under Escapement
// and 1 on a bare instruction-counting emulator, so the expected difference is known by construction.
#include "guest-tests/lib/x86_64/devices.h"

#define ROUNDS 20

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

typedef uint64_t (*measured)(void);
extern const measured bias_cpuid[5], bias_out[5], bias_in[5], bias_hypercall[5], bias_mmio[5], bias_rdmsr[5],
    bias_none[5], bias_halt[5];
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
    { "none", bias_none, 0, 0, false },
    { "CPUID", bias_cpuid, 1, 1, false },
    { "OUT", bias_out, 0, 1, false },
    { "IN", bias_in, 0, 1, false },
    { "hypercall", bias_hypercall, 1, 1, true },
    { "MMIO", bias_mmio, 0, 1, false },
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

// HLT with its interrupt already pending wakes at once. STI, the handler's IRETQ and CLI count beside N; the handler
// is a bare IRETQ, the end of interrupt follows after the measurement.
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

// With IF=0 an APIC one-shot falls due among the instructions: the host's alarm ends the slice there and the guest must
// not notice. The section begins at a chosen stamp, its first RDTSC is its fourth instruction, so the alarm's place in
// it is known. Returns the bias; adds the exits that the alarm caused to *alarms.
static int64_t alarm_section(unsigned i, uint64_t place, uint64_t *alarms)
{
    uint64_t exits[2] = { 0 };
    int64_t bias = 0;
    for (unsigned armed = 0; armed < 2; armed++) {
        uint64_t before = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
        uint64_t origin = lapic_write_stamp(APIC_TMICT, armed ? (uint32_t)(4000 + place) : 400000000);
        uint64_t delta = run_at(lapic_stamp(origin, 4000 + place, 1) - place, (void (*)(void))bias_none[i], 0);
        exits[armed] = platform.oracle ? oracle(ORACLE_EXITS, 0) - before : 0;
        bias = (int64_t)(delta - lengths[i] - 2);
        interrupts_on(); // the interrupt is taken here, after the measurement
        interrupts_off();
    }
    *alarms += exits[1] - exits[0];
    return bias;
}

static void test_alarms(void)
{
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    for (unsigned i = 0; i < ARRAY_LENGTH(lengths); i++) {
        uint64_t alarms = 0, rounds = lengths[i] < 1000 ? lengths[i] + 4 : 16;
        int64_t worst = 0;
        for (uint64_t round = 0; round < rounds; round++) {
            uint64_t place = 3 + (lengths[i] < 1000 ? round : lengths[i] * (round + 1) / 17);
            int64_t bias = alarm_section(i, place, &alarms);
            worst = bias * bias > worst * worst ? bias : worst;
        }
        diag("M1 kind=INTR N=%lu rounds=%lu alarms=%lu bias=%ld", lengths[i], rounds, alarms, worst);
        ok_counted(worst == 0, "M1 INTR: %lu instructions with an alarm among them", lengths[i]);
        ok_exact(alarms >= rounds || !platform.oracle, "M1 INTR N=%lu: every alarm was an exit of its own", lengths[i]);
    }
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
    plan((unsigned)(1 + ARRAY_LENGTH(kinds) * 5 + 5 + 10));
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
