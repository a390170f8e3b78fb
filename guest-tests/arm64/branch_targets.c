// SPDX-License-Identifier: MIT
// Branch target identification (FEAT_BTI): an indirect branch tells the instruction that it goes to, and no later one,
// that it must be a landing pad. An instruction that the monitor executes for its guest is an instruction, too: the one
// after it, in a guarded page, is not the target of the branch before it.
#include "guest-tests/lib/arm64/gic.h"

#define PAGE      4096u
#define LAST_WORD (PAGE / 4 - 1)
#define INSN_RET  0xd65f03c0u
#define INSN_NOP  0xd503201fu
#define CLASS_BTI 0x0du
#define SGI       5u

static uint32_t code[2 * PAGE / 4] __attribute__((aligned(4096)));

static const struct {
    const char *name;
    uint32_t insn;
    uint64_t x0;
    bool reads_gic; // X1 is the distributor, else the UART
} cases[] = {
    { "nothing that exits", INSN_NOP, 0, false },
    { "MRS CNTPCT_EL0", 0xd53be022, 0, false },
    { "MSR CNTP_CVAL_EL0", 0xd51be242, 0, false },
    { "MRS of an ID register", 0xd5380402, 0, false },
    { "HVC, answered at once", 0xd4000002, ORACLE_CALL + ORACLE_NOTHING, false },
    { "HVC, PSCI", 0xd4000002, PSCI_VERSION, false },
    { "SMC, PSCI", 0xd4000003, PSCI_VERSION, false },
    { "a read of the distributor", 0xb9400022, 0, true },
    { "a read of the UART", 0xb9400022, 0, false },
    { "a pair from the UART", 0x29400c22, 0, false },
    { "WFI", 0xd503207f, 0, false },
};

struct jump {
    const void *to;
    uint64_t x0, x1;
};

static void jump(uint64_t argument)
{
    const struct jump *jump = (const struct jump *)argument;
    register uint64_t x0 __asm__("x0") = jump->x0;
    register uint64_t x1 __asm__("x1") = jump->x1;
    register const void *x9 __asm__("x9") = jump->to;
    __asm__ volatile("adr x30, 1f\n\tbr %2\n1:"
                     : "+r"(x0), "+r"(x1), "+r"(x9)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "x30", "memory");
}

static void write_code(uint32_t last, uint32_t next)
{
    code[LAST_WORD] = last;
    code[LAST_WORD + 1] = next;
    for (unsigned i = LAST_WORD; i <= LAST_WORD + 1; i++)
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" : : "r"(&code[i]) : "memory");
    __asm__ volatile("dsb ish\n\tic iallu\n\tdsb ish\n\tisb" : : : "memory");
}

static bool has_bti(void)
{
    return (read_sysreg(id_aa64pfr1_el1) & 15) != 0;
}

void test_main(void)
{
    plan(ARRAY_LENGTH(cases) + 1);
    platform_describe();
    if (!has_bti()) {
        for (unsigned i = 0; i <= ARRAY_LENGTH(cases); i++)
            skip("this CPU has no FEAT_BTI", "BTYPE");
        finish();
    }
    const uint32_t *open = mmu_map_code((uint64_t)code, false);
    mmu_map_code((uint64_t)code + PAGE, true);
    gic_enable(SGI, true);
    gic_sgi_self(SGI); // a WFI ends at once
    write_code(INSN_NOP, INSN_RET);
    struct caught caught = catch_trap(jump, (uint64_t)&(struct jump){ open + LAST_WORD + 1, 0, 0 });
    ok(caught.class == CLASS_BTI, "BTYPE: a branch into the guarded page is caught (class 0x%x)", caught.class);
    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        write_code(cases[i].insn, INSN_RET);
        struct jump to = { open + LAST_WORD, cases[i].x0, cases[i].reads_gic ? board.gicd + GICD_TYPER : board.uart };
        caught = catch_trap(jump, (uint64_t)&to);
        ok(caught.class == CLASS_NONE, "BTYPE ends with %s (class 0x%x, ESR 0x%lx)", cases[i].name, caught.class,
           caught.esr);
    }
    finish();
}
