// SPDX-License-Identifier: MIT
// cycle_bias on arm64: exits by HVC, SMC, MMIO, trapped system registers and WFI.
#include "guest-tests/cycle_bias.h"
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/gic.h"

#define AHEAD 5000u // ticks: the timer is started that long before the halt ends

// X6 keeps the first counter value, X7 is the distributor's address, X8 the loop count (500,000 rounds of SUBS and B.NE
// are 10^6 instructions). A call may change X0 to X3 only (DEN0028, SMCCC 1.1).
__asm__(
    ".pushsection .text\n"
    ".macro exit_hvc\n movz x0,#0x530f\n movk x0,#0xc645,lsl #16\n hvc #0\n .endm\n"
    ".macro exit_smc\n mov w0,#0x84000000\n smc #0\n .endm\n"
    ".macro exit_load\n ldr w0,[x7,#4]\n .endm\n"  // GICD_TYPER
    ".macro exit_store\n str w7,[x7,#8]\n .endm\n" // GICD_IIDR, which nothing can change
    ".macro exit_cntpct\n mrs x0,cntpct_el0\n .endm\n"
    ".macro exit_cntp\n msr cntp_ctl_el0,xzr\n .endm\n"
    ".macro exit_wfi\n ldr w0,[x7,#4]\n .endm\n" // the second; the first is a WFI
    ".macro exit_none\n .endm\n"
    ".macro section kind, n\n"
    "bias_\\kind\\()_\\n:\n"
    " adrp x7,bias_gicd\n"
    " ldr x7,[x7,:lo12:bias_gicd]\n"
    " movz x8,#0xa120\n"
    " movk x8,#7,lsl #16\n"
    " .ifc \\kind,wfi\n"
    " mov x6,#0\n wfi\n"
    " .else\n"
    " mrs x6,cntvct_el0\n"
    " exit_\\kind\n"
    " .endif\n"
    " .if \\n == 1000000\n"
    "1: subs x8,x8,#1\n"
    " b.ne 1b\n"
    " .else\n"
    " .rept \\n\n nop\n .endr\n"
    " .endif\n"
    " exit_\\kind\n"
    " mrs x0,cntvct_el0\n"
    " sub x0,x0,x6\n"
    " ret\n"
    ".endm\n"
    ".macro kind name\n"
    " section \\name,0\n section \\name,1\n section \\name,10\n section \\name,1000\n section \\name,1000000\n"
    ".pushsection .data.rel.ro, \"aw\"\n"
    ".balign 8\n"
    ".globl bias_\\name\n"
    "bias_\\name:\n"
    " .quad bias_\\name\\()_0, bias_\\name\\()_1, bias_\\name\\()_10, bias_\\name\\()_1000, bias_\\name\\()_1000000\n"
    ".popsection\n"
    ".endm\n"
    "kind hvc\n kind smc\n kind load\n kind store\n kind cntpct\n kind cntp\n kind wfi\n kind none\n"
    ".popsection\n");

uint64_t bias_gicd;

extern const measured bias_hvc[], bias_smc[], bias_load[], bias_store[], bias_cntpct[], bias_cntp[], bias_wfi[],
    bias_none[];

const struct kind no_exit = { "none", bias_none, 0, 0, false };
const struct kind kinds[] = {
    { "HVC", bias_hvc, 2, 1, true },
    { "SMC", bias_smc, 1, 1, true },
    { "MMIO read", bias_load, 0, 1, false },
    { "MMIO write", bias_store, 0, 1, false },
    { "MRS CNTPCT", bias_cntpct, 0, 1, false },
    { "MSR CNTP_CTL", bias_cntp, 0, 1, false },
};
const unsigned kind_count = ARRAY_LENGTH(kinds);
const uint64_t section_own = 1, section_lead = 4;

// With interrupts masked a WFI ends with the timer's, which is not taken: at the deadline, so that is where the count
// begins. A read of the distributor is the other exit.
const struct halt halt = { "WFI", bias_wfi, 0, 1 };

uint64_t halt_prepare(void)
{
    return timer_start(AHEAD) + AHEAD;
}

void halt_finish(void)
{
    interrupts_on();
    interrupts_off();
}

void cycle_bias_prepare(void)
{
    bias_gicd = board.gicd;
}
