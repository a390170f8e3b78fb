// SPDX-License-Identifier: MIT
// Nothing of one VM is ever in the next. With the word `dirty` a kernel leaves noise in everything that it can name:
// each system register that an MSR reaches, vectors, timers, interrupt controller, devices, and all of its memory. With
// the word `show` one prints everything that it can read. tools/tests/machine/leftovers.t runs the second alone, and
// after the first in one boot: it prints the same.
//
// Not shown is what no two runs share: random numbers, the date, and the seed in the device tree.
#include "guest-tests/lib/arm64/gic.h"

#define NOISE      0xa5c3967be1d2480full
#define INSN_ISB   0xd5033fdfu
#define INSN_RET   0xd65f03c0u
#define MRS_X0     0xd5300000u
#define MSR_X0     0xd5100000u
#define FPU_ON     (3u << 20) // CPACR_EL1
#define ENABLE     1u
#define FRAME      0x1000u
#define UART_DATA  4u // DR before it
#define RTC_DATE   0xcu // DR, MR, LR before it
#define TREE_ROOM  0x4000u
#define STOLEN     0x090a0000u // of DEN0057A, read-only
#define INDEX(op0, op1, crn, crm, op2) (((op0) & 1u) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

void vectors_read(uint64_t to[64]);          // leftovers.S
_Noreturn void leave_noise(uint64_t noise);
extern char image_start[], image_end[];      // guest.ld

static uint32_t code[16] __attribute__((aligned(64)));
static uint64_t result;

static void run_code(uint64_t x0)
{
    result = ((uint64_t(*)(uint64_t))(uint64_t)code)(x0);
}

static bool run(uint32_t insn, uint64_t x0)
{
    code[0] = insn;
    code[1] = INSN_ISB;
    code[2] = INSN_RET;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" : : "r"(code) : "memory");
    return catch_trap(run_code, x0).class == CLASS_NONE;
}

static bool is_one_of(unsigned index, const unsigned *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == index)
            return true;
    return false;
}

// --- dirty ----------------------------------------------------------------------------------------------------------

// What the kernel itself stands on is leave_noise()'s. With a binary point that it has not got QEMU ends itself.
static const unsigned vital[] = {
    INDEX(3, 0, 1, 0, 0),   // SCTLR_EL1
    INDEX(3, 0, 2, 0, 0),   // TTBR0_EL1
    INDEX(3, 0, 2, 0, 2),   // TCR_EL1
    INDEX(3, 0, 4, 2, 0),   // SPSel
    INDEX(3, 0, 10, 2, 0),  // MAIR_EL1
    INDEX(3, 0, 12, 0, 0),  // VBAR_EL1
    INDEX(3, 3, 4, 2, 1),   // DAIF
    INDEX(3, 0, 12, 8, 3),  // ICC_BPR0_EL1
    INDEX(3, 0, 12, 12, 3), // ICC_BPR1_EL1
};

static unsigned dirty_registers(void)
{
    unsigned written = 0;
    for (unsigned index = 0; index < 1u << 15; index++)
        if (!is_one_of(index, vital, ARRAY_LENGTH(vital)))
            written += run(MSR_X0 | index << 5, NOISE);
    return written;
}

static void dirty_words(uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at += 8)
        *(volatile uint64_t *)at = NOISE;
}

static void dirty_device(uint64_t base, uint64_t size)
{
    for (uint64_t offset = 0; offset < size; offset += 4)
        write32(base + offset, (uint32_t)NOISE);
}

// An interrupt is active and its line is up when the VM ends.
static void dirty_timers(void)
{
    gic_init();
    gic_enable(INTID_CNTV, true);
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntv_cval_el0, 0);
    write_sysreg(cntv_ctl_el0, ENABLE);
    write_sysreg(cntp_cval_el0, 0);
    write_sysreg(cntp_ctl_el0, ENABLE);
    gic_sgi_self(3);
    gic_acknowledge();
    gic_acknowledge();
}

static void dirty(void)
{
    plan(1);
    unsigned written = dirty_registers();
    interrupts_off();
    bool noisy = ok(written > 60, "%u system registers hold noise", written);
    dirty_words(board.memory, (uint64_t)image_start);
    dirty_words((uint64_t)image_end, board.memory + board.memory_size);
    print("EXIT: STATUS=%u\n", noisy ? 33 : 35);
    dirty_device(board.rtc, FRAME);
    dirty_device(board.gicd, board.gic_version == 3 ? 16 * FRAME : FRAME);
    if (board.gic_version == 3)
        dirty_device(board.gicr, 32 * FRAME);
    dirty_timers();
    dirty_device(board.uart + 4, FRAME - 4);
    leave_noise(NOISE);
}

// --- show -----------------------------------------------------------------------------------------------------------

static const unsigned unlike[] = {
    INDEX(3, 3, 2, 4, 0), // RNDR
    INDEX(3, 3, 2, 4, 1), // RNDRRS
};

static unsigned show_registers(void)
{
    unsigned readable = 0;
    for (unsigned index = 0; index < 1u << 15; index++) {
        if (is_one_of(index, unlike, ARRAY_LENGTH(unlike)) || !run(MRS_X0 | index << 5, 0))
            continue;
        readable++;
        if (result != 0)
            diag("S%u_%u_C%u_C%u_%u %016lx", 2 + (index >> 14), index >> 11 & 7, index >> 7 & 15, index >> 3 & 15,
                 index & 7, result);
    }
    return readable;
}

static void show_vectors(void)
{
    static uint64_t vectors[64];
    write_sysreg(cpacr_el1, FPU_ON);
    vectors_read(vectors);
    for (unsigned i = 0; i < 64; i++)
        if (vectors[i] != 0)
            diag("V%u[%u] %016lx", i / 2, i % 2, vectors[i]);
}

static unsigned show_words(const char *name, uint64_t from, uint64_t to)
{
    unsigned shown = 0;
    for (uint64_t at = from; at < to; at += 8)
        if (*(volatile uint64_t *)at != 0 && shown++ < 10)
            diag("%s %lx %016lx", name, at, *(volatile uint64_t *)at);
    return shown;
}

static void show_device(const char *name, uint64_t base, uint64_t from, uint64_t size)
{
    for (uint64_t offset = from; offset < size; offset += 4) {
        uint32_t value = read32(base + offset);
        if (value != 0)
            diag("%s %lx %08x", name, offset, value);
    }
}

// Where the tree is, is not asked: its seed is another one each time, and something of its making is left behind it.
static unsigned show_memory(void)
{
    uint64_t tree = board.dtb & ~7ull, tree_end = (board.dtb & ~7ull) + TREE_ROOM;
    return show_words("below the image", board.memory, (uint64_t)image_start) +
           show_words("behind the image", (uint64_t)image_end, tree) +
           show_words("behind the device tree", tree_end, board.memory + board.memory_size);
}

static volatile uint64_t ticks;

static void count_tick(struct trap *trap)
{
    (void)trap;
    ticks++;
    write_sysreg(cntv_ctl_el0, 0);
}

// Before anything else has made an exit that puts the interrupt controller right. Where the emulator counts no
// instructions the host's own timer may come late, but not by a second.
static void show_timer(void)
{
    trap_set(INTID_CNTV, count_tick);
    gic_enable(INTID_CNTV, true);
    uint64_t due = counter_read() + 1000;
    write_sysreg(cntv_cval_el0, due);
    write_sysreg(cntv_ctl_el0, ENABLE);
    interrupts_on();
    while (ticks == 0 && counter_read() < due + platform.counter_hz)
        ;
    while (counter_read() < due + 1000)
        ;
    interrupts_off();
    ok(ticks == 1, "an interrupt of the virtual timer comes once (%lu)", ticks);
    gic_enable(INTID_CNTV, false);
    write_sysreg(cntv_cval_el0, 0); // so that what is printed does not tell when this was
}

static void show(void)
{
    plan(3);
    show_timer();
    ok(board.dtb > (uint64_t)image_end && show_memory() == 0, "memory is empty but for the image and the device tree");
    show_vectors();
    show_words("stolen time", STOLEN, STOLEN + FRAME);
    show_device("GICD", board.gicd, 0, board.gic_version == 3 ? 16 * FRAME : FRAME);
    if (board.gic_version == 3)
        show_device("GICR", board.gicr, 0, 32 * FRAME);
    else
        show_device("GICC", board.gicc, 0, 0x100);
    show_device("PL031", board.rtc, RTC_DATE, FRAME);
    show_device("PL011", board.uart, UART_DATA, FRAME);
    unsigned readable = show_registers();
    ok(readable > 100, "%u system registers can be read", readable);
}

static const struct named_test tests[] = { { "dirty", dirty }, { "show", show } };

void test_main(void)
{
    run_named_test(tests, ARRAY_LENGTH(tests));
    finish();
}
