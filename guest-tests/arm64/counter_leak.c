// SPDX-License-Identifier: MIT
// counter_leak on arm64: CNTVCT is the counter, a read of the distributor the exit of the loop.
#include "guest-tests/counter_leak.h"
#include "guest-tests/lib/arm64/gic.h"

// The difference of the two reads around `text`, which may use X0 to X5; X7 is the distributor's address, X8 the
// PL011's.
#define LEAK_SECTION(name, text)                                                                                       \
    static uint64_t leak_##name(void)                                                                                  \
    {                                                                                                                  \
        register uint64_t gicd __asm__("x7") = board.gicd;                                                             \
        register uint64_t uart __asm__("x8") = board.uart;                                                             \
        uint64_t delta;                                                                                                \
        __asm__ volatile("mrs x6, cntvct_el0\n\t" text "\n\tmrs %0, cntvct_el0\n\tsub %0, %0, x6"                      \
                         : "=&r"(delta), "+r"(gicd), "+r"(uart)                                                        \
                         :                                                                                             \
                         : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "memory", "cc");                                  \
        return delta;                                                                                                  \
    }

LEAK_SECTION(nothing, "")
LEAK_SECTION(hvc, "movz x0, #0x530f\n\tmovk x0, #0xc645, lsl #16\n\thvc #0")
LEAK_SECTION(hvc_unknown, "movz x0, #0x7777\n\tmovk x0, #0xc600, lsl #16\n\thvc #0")
LEAK_SECTION(smc, "mov w0, #0x84000000\n\tsmc #0")
LEAK_SECTION(gicd_read, "ldr w0, [x7, #4]")
LEAK_SECTION(gicd_write, "str wzr, [x7, #0x180]") // GICD_ICENABLER of no interrupt
LEAK_SECTION(gicd_byte, "ldrb w0, [x7, #0x420]")
LEAK_SECTION(uart_read, "ldr w0, [x8, #0x18]")
LEAK_SECTION(uart_write, "str wzr, [x8, #0x44]") // UARTICR, nothing to clear
LEAK_SECTION(cntpct, "mrs x0, cntpct_el0")
LEAK_SECTION(cntp_ctl_read, "mrs x0, cntp_ctl_el0")
LEAK_SECTION(cntp_ctl_write, "msr cntp_ctl_el0, xzr")
LEAK_SECTION(cntp_cval_write, "msr cntp_cval_el0, xzr")

// A trapped read of such a register is the last instruction of its page here: QEMU 7.2 has counted what follows it in
// the page when it traps, and counts that again when it is executed.
uint64_t leak_id_register(void);
__asm__(".pushsection .text\n"
        ".balign 4096\n"
        ".skip 4096 - 8\n"
        ".globl leak_id_register\n"
        "leak_id_register:\n"
        " mrs x6, cntvct_el0\n"
        " mrs x0, id_aa64isar0_el1\n"
        " mrs x0, cntvct_el0\n"
        " sub x0, x0, x6\n"
        " ret\n"
        ".popsection\n");

const struct leak leaks[] = {
    { "HVC", leak_hvc, 2, true },
    { "HVC that nobody knows", leak_hvc_unknown, 2, true },
    { "SMC", leak_smc, 1, true },
    { "MMIO read, distributor", leak_gicd_read, 0, false },
    { "MMIO write, distributor", leak_gicd_write, 0, false },
    { "MMIO byte, distributor", leak_gicd_byte, 0, false },
    { "MMIO read, PL011", leak_uart_read, 0, false },
    { "MMIO write, PL011", leak_uart_write, 0, false },
    { "MRS CNTPCT", leak_cntpct, 0, false },
    { "MRS CNTP_CTL", leak_cntp_ctl_read, 0, false },
    { "MSR CNTP_CTL", leak_cntp_ctl_write, 0, false },
    { "MSR CNTP_CVAL", leak_cntp_cval_write, 0, false },
    { "MRS of an ID register", leak_id_register, 0, false },
};
const unsigned leak_count = ARRAY_LENGTH(leaks);

uint64_t leak_none(void)
{
    return leak_nothing();
}

void counter_leak_prepare(void) {}

// mrs, [ldr, subs, b.ne] * n, mrs.
const uint64_t sum_own = 1;

uint64_t exit_loop(uint64_t exits)
{
    uint64_t before, after;
    __asm__ volatile("mrs %0, cntvct_el0\n"
                     "1: ldr w9, [%3, #4]\n\tsubs %2, %2, #1\n\tb.ne 1b\n\t"
                     "mrs %1, cntvct_el0"
                     : "=&r"(before), "=&r"(after), "+r"(exits)
                     : "r"(board.gicd)
                     : "x9", "memory", "cc");
    return after - before;
}
