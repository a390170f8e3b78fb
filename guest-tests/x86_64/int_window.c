// SPDX-License-Identifier: MIT
// M10: an interrupt falls due while it cannot be taken. Is it taken at the very first boundary where it can be?
//
// Each sequence is a list of instructions with known boundaries. The deadline is swept over every one of them, and the
// handler's return address and stamp must be those of the first boundary that is due and open.
#include "guest-tests/lib/x86_64/devices.h"

// "I" puts one instruction and notes its address; R9 is the APIC's page. A sequence ends with CLI, RET.
__asm__(
    ".text\n"
    ".macro I text:vararg\n"
    "771: \\text\n"
    ".pushsection .rodata\n .quad 771b\n .popsection\n"
    ".endm\n"
    ".macro begin name\n"
    ".pushsection .rodata\n .balign 8\n .globl \\name\\()_rips\n\\name\\()_rips:\n .popsection\n"
    ".globl \\name\n\\name:\n"
    ".endm\n"

    "begin window_sti\n"
    " I nop\n I nop\n I nop\n I nop\n I sti\n I nop\n I nop\n I nop\n I nop\n I cli\n I ret\n"

    "begin window_sti_cli\n"
    " I nop\n I sti\n I cli\n I nop\n I nop\n I sti\n I nop\n I nop\n I cli\n I ret\n"

    "begin window_mov_ss\n"
    " I mov %ss,%eax\n I sti\n I nop\n I nop\n I nop\n I mov %eax,%ss\n I nop\n I nop\n I nop\n I cli\n I ret\n"

    "begin window_tpr\n"
    " I xor %eax,%eax\n I movl $0xf0,0x80(%r9)\n I sti\n I nop\n I nop\n I nop\n I mov %eax,0x80(%r9)\n I nop\n"
    " I nop\n I nop\n I cli\n I ret\n"

    "begin window_popf\n"
    " I pushf\n I pop %rax\n I or $0x200,%eax\n I push %rax\n I nop\n I nop\n I popf\n I nop\n I nop\n I nop\n"
    " I cli\n I ret\n"

    "begin window_cr8\n"
    " I mov $15,%eax\n I mov %rax,%cr8\n I sti\n I nop\n I nop\n I xor %eax,%eax\n I mov %rax,%cr8\n I nop\n I nop\n"
    " I nop\n I cli\n I ret\n");

#define SEQUENCE(name)                                                                                                 \
    void name(void);                                                                                                   \
    extern const uint64_t name##_rips[]
SEQUENCE(window_sti);
SEQUENCE(window_sti_cli);
SEQUENCE(window_mov_ss);
SEQUENCE(window_tpr);
SEQUENCE(window_popf);
SEQUENCE(window_cr8);

// Bit i of `open`: boundary i, before instruction i, lets an interrupt in. Bit i of `exits`: instruction i exits.
static const struct sequence {
    const char *name;
    void (*code)(void);
    const uint64_t *rips;
    unsigned boundaries;
    uint32_t open, exits;
} sequences[] = {
    { "IF=0, then the STI shadow", window_sti, window_sti_rips, 10, 0x3c0, 0 },
    { "STI directly followed by CLI", window_sti_cli, window_sti_cli_rips, 9, 0x180, 0 },
    { "MOV SS shadow", window_mov_ss, window_mov_ss_rips, 10, 0x3b8, 0 },
    { "task priority by MMIO", window_tpr, window_tpr_rips, 11, 0x780, 0x042 },
    { "POPF opens without a shadow", window_popf, window_popf_rips, 11, 0x780, 0 },
    { "task priority by CR8", window_cr8, window_cr8_rips, 11, 0x780, 0x042 },
};

static void acknowledge(void)
{
    lapic_write(APIC_EOI, 0);
}

// The first boundary that is due and open; its stamp, counted from the sequence's start, into *at.
static unsigned expected_boundary(const struct sequence *s, int64_t due, int64_t *at)
{
    int64_t stamp = 0;
    for (unsigned i = 0; i < s->boundaries; i++) {
        if (stamp >= due && (s->open >> i & 1)) {
            *at = stamp;
            return i;
        }
        stamp += s->exits >> i & 1 ? (int64_t)platform.exit_cost : 1;
    }
    *at = -1;
    return s->boundaries;
}

// One run with the deadline `due` instructions after the start. Returns the delay in instructions beyond the expected
// boundary, or -1000 when the return address is not that boundary's.
static int64_t run_once(const struct sequence *s, int64_t due)
{
    int64_t at;
    unsigned boundary = expected_boundary(s, due, &at);
    uint64_t before = record.count;
    uint64_t origin = lapic_write_stamp(APIC_TMICT, 5000);
    uint64_t start = lapic_stamp(origin, 5000, 1) - (uint64_t)due;
    run_at(start, s->code, 0xfee00000);
    if (record.count != before + 1) {
        interrupts_on(); // let it come, so that the next run starts clean
        interrupts_off();
        return -2000;
    }
    int64_t late = (int64_t)(record.stamp - start) - at;
    if (platform.exact && record.pc != s->rips[boundary])
        return -1000;
    return late;
}

static void test_sequence(const struct sequence *s)
{
    struct spread delay = { 0 };
    // Where delivery takes an instruction or two of its own, the last boundaries before the CLI are out of reach.
    int64_t end = (int64_t)s->boundaries - (platform.exact ? 0 : 5);
    for (int64_t due = -3; due < end; due++) {
        int64_t at;
        unsigned boundary = expected_boundary(s, due, &at);
        if (boundary == s->boundaries)
            break;
        int64_t late = run_once(s, due);
        if (late != 0 && platform.exact)
            diag("due at %ld: expected boundary %u (stamp %ld), late %ld, RIP %ld bytes off", due, boundary, at, late,
                 (int64_t)(record.pc - s->rips[boundary]));
        spread_add(&delay, late);
    }
    diag("M10 %s: n=%lu delay min=%ld max=%ld instructions", s->name, delay.count, delay.min, delay.max);
    ok(delay.min >= 0, "%s: every deadline is taken, none too early", s->name);
    ok_exact(delay.min == 0 && delay.max == 0, "M10 %s: taken at the first injectable boundary", s->name);
}

void test_main(void)
{
    plan_exact(2 * (unsigned)ARRAY_LENGTH(sequences));
    lapic_init(false);
    trap_record(VECTOR_TIMER, acknowledge);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    for (unsigned i = 0; i < ARRAY_LENGTH(sequences); i++)
        test_sequence(&sequences[i]);
}
