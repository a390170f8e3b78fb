// SPDX-License-Identifier: MIT
// Random acts of a guest against its timers, its interrupt controller, its devices and its firmware: does the monitor
// live, does V go on, and is the guest whole afterwards? seed=N and rounds=N choose what is done.
//
// What ends the machine, and what the emulator itself does not survive, is left out: CNTV at the end of time
// (lib/arm64/gic.h), a binary point of 0, CBPR. Before a halt a timer is armed that ends it.
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/gic.h"

#define SPACE 0x1000u

static struct random noise;
static volatile uint64_t interrupts;

static uint64_t next(void)
{
    return random_next(&noise);
}

static uint64_t below(uint64_t bound)
{
    return next() % bound;
}

// Whoever it was: quiet from now on.
static void silence(struct trap *trap)
{
    (void)trap;
    interrupts++;
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
    gic_enable((unsigned)below(64), false);
}

static uint64_t device_address(void)
{
    const uint64_t pages[] = {
        board.gicd, board.gicd, gic_bank(0), gic_bank(0), board.gic_version == 3 ? board.gicr : board.gicc,
        board.uart, board.rtc
    };
    uint64_t page = pages[below(ARRAY_LENGTH(pages))], offset = below(SPACE);
    if (below(8))
        offset &= ~3ull;
    return page == board.uart && offset < 4 ? page + 4 : page + offset;
}

static void access_device(uint64_t at)
{
    uint64_t value = below(4) ? next() : below(2) ? 0 : UINT64_MAX;
    switch (below(8)) {
    case 0: (void)read8(at); break;
    case 1: (void)read32(at & ~3ull); break;
    case 2: (void)read64(at & ~7ull); break;
    case 3: *(volatile uint8_t *)at = (uint8_t)value; break;
    case 4: *(volatile uint16_t *)(at & ~1ull) = (uint16_t)value; break;
    case 5: *(volatile uint64_t *)((at & ~7ull) | ((at & 0xff8) ? 0 : 8)) = value; break;
    default: write32(at & ~3ull, (uint32_t)value); break;
    }
}

static void act_device(void)
{
    catch_trap(access_device, device_address());
}

static void act_timer(void)
{
    uint64_t soon = counter_read() + below(2000) - 500, value = below(4) ? soon : next() >> 1;
    switch (below(8)) {
    case 0: write_sysreg(cntv_cval_el0, value); break;
    case 1: write_sysreg(cntp_cval_el0, below(8) ? value : next()); break;
    case 2: write_sysreg(cntv_tval_el0, below(2000)); break;
    case 3: write_sysreg(cntp_tval_el0, next()); break;
    case 4: write_sysreg(cntv_ctl_el0, next()); break;
    case 5: write_sysreg(cntp_ctl_el0, next()); break;
    case 6: (void)read_sysreg(cntp_tval_el0); break;
    default: (void)read_sysreg(cntpct_el0); break;
    }
}

static void cpu_interface(uint64_t which)
{
    switch (which % 9) {
    case 0: write_sysreg(S3_0_C4_C6_0, next()); break;           // ICC_PMR_EL1
    case 1: write_sysreg(S3_0_C12_C12_3, next() | 1); break;     // ICC_BPR1_EL1
    case 2: write_sysreg(S3_0_C12_C12_4, next() & ~1ull); break; // ICC_CTLR_EL1
    case 3: write_sysreg(S3_0_C12_C12_7, next()); break;         // ICC_IGRPEN1_EL1
    case 4: write_sysreg(S3_0_C12_C12_1, below(64)); break;      // ICC_EOIR1_EL1
    case 5: write_sysreg(S3_0_C12_C11_1, below(64)); break;      // ICC_DIR_EL1
    case 6: write_sysreg(S3_0_C12_C11_5, next()); break;         // ICC_SGI1R_EL1
    case 7: write_sysreg(S3_0_C12_C8_3, next() | 1); break;      // ICC_BPR0_EL1
    default: (void)read_sysreg(S3_0_C12_C12_0); break;           // ICC_IAR1_EL1: acknowledged, and never ended
    }
}

static void act_interface(void)
{
    if (board.gic_version == 3)
        catch_trap(cpu_interface, next());
    else
        catch_trap(access_device, board.gicc + (below(0x400) & ~3ull));
}

static void act_interrupt(void)
{
    unsigned intid = (unsigned)below(64);
    switch (below(6)) {
    case 0: gic_sgi_self(intid % 16); break;
    case 1: gic_set_pending(intid, below(2)); break;
    case 2: gic_set_active(intid, below(2)); break;
    case 3: gic_priority(intid, (unsigned)below(256)); break;
    case 4: gic_edge(intid, below(2)); break;
    default: gic_enable(intid, below(4) != 0); break;
    }
}

// Not the calls that end, stop or suspend: PSCI's first ten numbers, and 0x11 and on.
static void act_call(void)
{
    uint32_t function = (uint32_t)next();
    if (below(2))
        function = 0x80000000u | (uint32_t)(below(7) << 24) | (uint32_t)(below(2) << 30) | (uint32_t)below(0x40);
    if ((function & 0x3f000000) == 0x04000000 && (function & 0xffff) != 0 && (function & 0xffff) != 10)
        function = PSCI_FEATURES;
    struct smccc registers = { { function, next(), next(), next(), next() } };
    smccc_by(below(2), &registers);
}

static void act_open(void)
{
    interrupts_on();
    for (uint64_t i = below(200); i; i--)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
}

// The controller as at the start, a timer that ends the halt.
static void act_halt(void)
{
    gic_init();
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntp_cval_el0, counter_read() + below(5000));
    write_sysreg(cntp_ctl_el0, 1);
    halt_until_interrupt();
}

static void (*const acts[])(void) = { act_device, act_device, act_timer,     act_timer, act_interrupt,
                                      act_call,   act_open,   act_interface, act_halt };

// What was acknowledged and never ended holds back all that is less urgent: the active priorities go.
static void quiet(void)
{
    gic_init();
    if (board.gic_version == 3) {
        write_sysreg(S3_0_C12_C8_4, 0); // ICC_AP0R0_EL1
        write_sysreg(S3_0_C12_C9_0, 0); // ICC_AP1R0_EL1
    } else {
        for (unsigned i = 0; i < 4; i++)
            write32(board.gicc + 0xd0 + i * 4, 0); // GICC_APRn
    }
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
    write32(board.uart + 0x38, 0); // UARTIMSC
    write32(board.uart + 0x44, 0x7ff);
    write32(board.uart + 0x30, 0x301); // UARTCR: on, both ways
    write32(board.rtc + 0x10, 0);
    for (unsigned i = 0; i < 20; i++)
        act_open();
}

void test_main(void)
{
    uint64_t rounds = cmdline_number("rounds", 4000), last = counter_read(), back = 0;
    noise.state = cmdline_number("seed", 1);
    plan(5);
    for (unsigned intid = 0; intid < 256; intid++)
        trap_set(intid, silence);
    for (uint64_t i = 0; i < rounds; i++) {
        acts[below(ARRAY_LENGTH(acts))]();
        uint64_t now = counter_read(), physical = read_sysreg(cntpct_el0);
        back += now < last || physical < now;
        last = physical;
    }
    quiet();
    print("\n");
    diag("%lu acts, %lu interrupts", rounds, interrupts);
    ok(back == 0, "no counter ever went back (%lu times)", back);
    ok(interrupts > rounds / 40, "interrupts came");
    uint64_t target = counter_read() + 10000;
    ok_counted(wait_until(target) == target, "10,000 instructions are counted exactly afterwards");
    timer_init();
    uint64_t before = record.count, due = timer_stamp(timer_start(10000), 10000);
    halt_until_interrupt();
    ok(record.count == before + 1 && record.stamp > due, "a timer ends a halt, once and not early");
    ok_exact(record.stamp == due + 1, "and exactly at its deadline");
}
