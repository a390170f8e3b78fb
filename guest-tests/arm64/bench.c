// SPDX-License-Identifier: MIT
// bench on arm64: exits, the timers, an SGI to itself.
#include "guest-tests/bench.h"
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define SGI 1u

static volatile uint64_t handled; // counter at the handler's first instruction

// Cycles between two reads of CNTVCT around the text, which may use X0 to X5; X7 is the distributor's address, X8 the
// PL011's.
#define TIMED(name, text)                                                                                              \
    static uint64_t time_##name(void)                                                                                  \
    {                                                                                                                  \
        register uint64_t gicd __asm__("x7") = board.gicd;                                                             \
        register uint64_t uart __asm__("x8") = board.uart;                                                             \
        uint64_t ticks;                                                                                                \
        __asm__ volatile("mrs x6, cntvct_el0\n\t" text "\n\tmrs %0, cntvct_el0\n\tsub %0, %0, x6"                      \
                         : "=&r"(ticks), "+r"(gicd), "+r"(uart)                                                        \
                         :                                                                                             \
                         : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "memory", "cc");                                  \
        return ticks;                                                                                                  \
    }

TIMED(nothing, "")
TIMED(hvc, "movz x0, #0x530f\n\tmovk x0, #0xc645, lsl #16\n\thvc #0")
TIMED(psci, "mov w0, #0x84000000\n\thvc #0")
TIMED(smc, "mov w0, #0x84000000\n\tsmc #0")
TIMED(gicd_read, "ldr w0, [x7, #4]")
TIMED(gicd_write, "str wzr, [x7, #0x180]") // GICD_ICENABLER of no interrupt
TIMED(uart_read, "ldr w0, [x8, #0x18]")
TIMED(cntpct, "mrs x0, cntpct_el0")
TIMED(cntp_cval, "mov x0, #-1\n\tmsr cntp_cval_el0, x0")
TIMED(id_register, "mrs x0, id_aa64isar0_el1")
TIMED(wfi, "wfi")

static void note(struct trap *trap)
{
    handled = trap->stamp;
    timer_stop();
}

static void note_physical(struct trap *trap)
{
    handled = trap->stamp;
    write_sysreg(cntp_cval_el0, UINT64_MAX);
}

static uint64_t until_handled(uint64_t start)
{
    interrupts_on();
    for (uint64_t spins = 0; !handled && spins < 10000000; spins++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    return handled ? handled - start : 0;
}

// From the deadline, while the guest computes, to the handler.
static uint64_t time_deadline(void)
{
    handled = 0;
    return until_handled(timer_start(5000) + 5000);
}

static uint64_t time_deadline_physical(void)
{
    handled = 0;
    return until_handled(cntp_start(5000) + 5000);
}

// The same while it is halted.
static uint64_t time_halted(void)
{
    handled = 0;
    uint64_t due = timer_start(5000) + 5000;
    halt_until_interrupt();
    return handled - due;
}

static uint64_t time_sgi(void)
{
    uint64_t none, start = read32_stamp((uint64_t)&none, &none);
    handled = 0;
    interrupts_on();
    gic_sgi_self(SGI);
    return until_handled(start);
}

static void bench_interrupts(uint64_t nothing)
{
    trap_set(SGI, note);
    gic_enable(SGI, true);
    gic_sgi_self(SGI);
    bench("WFI with an interrupt pending", time_wfi, nothing);
    interrupts_on();
    interrupts_off();
    bench("SGI to itself, to the handler", time_sgi, 0);
    timer_init();
    trap_set(INTID_CNTV, note);
    bench("CNTV deadline to handler", time_deadline, 0);
    bench("CNTV deadline to handler, halted", time_halted, 0);
    timer_stop();
    trap_set(INTID_CNTP, note_physical);
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntp_ctl_el0, 1);
    bench("CNTP deadline to handler", time_deadline_physical, 0);
    write_sysreg(cntp_ctl_el0, 0);
}

const char *const bench_counter = "CNTVCT";

void bench_all(void)
{
    uint64_t nothing = time_nothing();
    if (platform.escapement)
        bench("HVC", time_hvc, nothing + 2);
    if (!board.psci_smc)
        bench("HVC, PSCI version", time_psci, nothing + 1);
    if (platform.signature[0])
        bench("SMC, PSCI version", time_smc, nothing + 1);
    bench("MMIO read, distributor", time_gicd_read, nothing);
    bench("MMIO write, distributor", time_gicd_write, nothing);
    bench("MMIO read, PL011", time_uart_read, nothing);
    bench("MRS CNTPCT", time_cntpct, nothing);
    bench("MSR CNTP_CVAL", time_cntp_cval, nothing + 1);
    bench("MRS of an ID register", time_id_register, nothing);
    bench_interrupts(nothing);
}
