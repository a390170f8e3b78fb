// SPDX-License-Identifier: MIT
// The rarer modes of the interrupt controller's CPU interface: an interrupt's end in two halves (EOImode 1), group 0,
// and nonsense. As in gic.c interrupts stay masked in PSTATE and are taken by asking for them.
#include "guest-tests/lib/arm64/gic.h"

#define FIRST         40u
#define SPLIT         3u // so many are active at once
#define MANY          12u
#define ENABLE        1u
#define FAR           (UINT64_C(1) << 62)
#define GICC_EOIMODE  0x200u
#define GICC_DIR      0x1000u
#define EOIMODE       2u // ICC_CTLR_EL1
#define GICC_APR      0xd0u
#define ICC_AP0R0_EL1   S3_0_C12_C8_4
#define ICC_AP1R0_EL1   S3_0_C12_C9_0
#define ICC_SGI0R_EL1   S3_0_C12_C11_7
#define ICC_IAR0_EL1    S3_0_C12_C8_0
#define ICC_EOIR0_EL1   S3_0_C12_C8_1
#define ICC_IGRPEN0_EL1 S3_0_C12_C12_6

#define read_icc(name)         read_sysreg(name)
#define write_icc(name, value) write_sysreg(name, value)

static void poke32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static void start(bool split)
{
    interrupts_off();
    write_sysreg(cntv_ctl_el0, 0);
    gic_init();
    for (unsigned i = 0; i < MANY; i++) {
        gic_edge(FIRST + i, true);
        gic_enable(FIRST + i, true);
    }
    if (board.gic_version == 3)
        write_icc(ICC_CTLR_EL1, split ? EOIMODE : 0);
    else
        poke32(board.gicc + GICC_CTLR, split ? GICC_EOIMODE | ENABLE : ENABLE);
}

static void deactivate(unsigned intid)
{
    if (board.gic_version == 3)
        write_icc(ICC_DIR_EL1, intid);
    else
        poke32(board.gicc + GICC_DIR, intid);
}

static bool is_spurious(void)
{
    return gic_acknowledge() >= GIC_SPURIOUS;
}

// Dropped, an interrupt no longer holds others of its priority back, and stays active itself.
static void test_split(void)
{
    bool taken = true, held = true, freed = true;
    for (unsigned i = 0; i < SPLIT; i++)
        gic_set_pending(FIRST + i, true);
    for (unsigned i = 0; i < SPLIT; i++) {
        taken = taken && gic_acknowledge() == FIRST + i && is_spurious();
        gic_end(FIRST + i);
    }
    ok(taken && is_spurious(), "%u of one priority: each is taken when the one before is dropped", SPLIT);
    for (unsigned i = 0; i < SPLIT; i++) {
        held = held && gic_is_active(FIRST + i);
        gic_set_pending(FIRST + i, true);
    }
    ok(held && is_spurious(), "dropped they are active and do not come again");
    for (unsigned i = 0; i < SPLIT; i++) {
        unsigned intid = FIRST + (i + 1) % SPLIT;
        deactivate(intid);
        freed = freed && gic_acknowledge() == intid;
        gic_end(intid);
        deactivate(intid);
        freed = freed && !gic_is_active(intid) && is_spurious();
    }
    ok(freed, "deactivated in any order, each comes again, once");
}

static void test_split_timer(void)
{
    gic_enable(INTID_CNTV, true);
    write_sysreg(cntv_cval_el0, 0);
    write_sysreg(cntv_ctl_el0, ENABLE);
    for (unsigned i = 0; i < 100; i++)
        __asm__ volatile("nop");
    bool taken = gic_acknowledge() == INTID_CNTV;
    gic_end(INTID_CNTV);
    ok(taken && is_spurious() && gic_is_active(INTID_CNTV), "the timer, dropped, is active and does not come again");
    deactivate(INTID_CNTV);
    for (unsigned i = 0; i < 100; i++)
        __asm__ volatile("nop");
    ok(gic_acknowledge() == INTID_CNTV, "deactivated while it is high, it does");
    write_sysreg(cntv_cval_el0, FAR);
    gic_end(INTID_CNTV);
    deactivate(INTID_CNTV);
    ok(is_spurious() && !gic_is_active(INTID_CNTV), "and when it is low, not");
}

static unsigned count_active(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MANY; i++)
        count += gic_is_active(FIRST + i);
    return count;
}

// More than there is room for in list registers, deactivated in another order than they came.
static void test_many(void)
{
    unsigned taken = 0;
    bool ended = true;
    for (unsigned i = 0; i < MANY; i++)
        gic_set_pending(FIRST + i, true);
    while (taken < MANY && gic_acknowledge() == FIRST + taken)
        gic_end(FIRST + taken++);
    ok(taken == MANY && count_active() == MANY, "%u are active at once", MANY);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned intid = FIRST + (5 * i + 3) % MANY;
        deactivate(intid);
        ended = ended && !gic_is_active(intid) && count_active() == MANY - 1 - i;
    }
    ok(ended && is_spurious(), "each ends by its own deactivation");
}

// The other group: of a GICv3's two acknowledge registers it has the first.
static void test_group0(void)
{
    gic_set_pending(FIRST, true);
    gic_set_pending(FIRST + 1, true);
    poke32(board.gicd + GICD_IGROUPR + 4, ~(1u << FIRST % 32));
    write32(board.gicd + GICD_CTLR, 3);
    write_icc(ICC_IGRPEN0_EL1, 1);
    ok((read_icc(ICC_IAR0_EL1) & 0xffffff) == FIRST, "an interrupt of group 0 is in group 0's register");
    ok(is_spurious(), "and holds back one of its priority in group 1");
    write_icc(ICC_EOIR0_EL1, FIRST);
    ok(gic_acknowledge() == FIRST + 1, "until it has ended");
    gic_end(FIRST + 1);
    gic_set_pending(FIRST, true);
    write_icc(ICC_IGRPEN0_EL1, 0);
    ok((read_icc(ICC_IAR0_EL1) & 0xffffff) >= GIC_SPURIOUS && is_spurious(), "with group 0 disabled it does not come");
    write_icc(ICC_IGRPEN0_EL1, 1);
    ok((read_icc(ICC_IAR0_EL1) & 0xffffff) == FIRST, "until it is enabled");
    write_icc(ICC_EOIR0_EL1, FIRST);
}

// --- nonsense -------------------------------------------------------------------------------------------------------

// A binary point of 8 and above ends QEMU.
static void nonsense_v3(uint64_t value)
{
    switch (value >> 8 & 7) {
    case 0: write_icc(ICC_CTLR_EL1, value >> 16); break;
    case 1: write_icc(ICC_BPR1_EL1, value >> 16 & 7); break;
    case 2: write_icc(ICC_IGRPEN0_EL1, value >> 16 & 1); break;
    case 3: write_icc(ICC_IGRPEN1_EL1, value >> 16 & 3 ? 1 : 0); break;
    case 4: write_icc(ICC_EOIR0_EL1, value >> 16 & 127); break;
    case 5: read_icc(ICC_IAR0_EL1); break;
    case 6: write_icc(ICC_SGI0R_EL1, value >> 8); break;
    default: write_icc(ICC_AP1R0_EL1, value >> 16 & value >> 32 & value >> 40); break;
    }
}

static void nonsense_v2(uint64_t value)
{
    switch (value >> 8 & 3) {
    case 0: poke32(board.gicc + GICC_CTLR, (uint32_t)(value >> 16)); break;
    case 1: poke32(board.gicc + GICC_BPR, (uint32_t)(value >> 16)); break;
    case 2: poke32(board.gicc + (value >> 16 & 0xfc), (uint32_t)(value >> 24)); break;
    default: poke32(board.gicc + GICC_APR, (uint32_t)(value >> 16 & value >> 32)); break;
    }
}

static void nonsense(uint64_t value)
{
    unsigned intid = value >> 16 & 63;
    switch (value & 15) {
    case 0: gic_enable(intid, value >> 8 & 3); break;
    case 1: gic_set_pending(intid, value >> 8 & 1); break;
    case 2: gic_set_active(intid, value >> 8 & 1); break;
    case 3: gic_priority(intid, value >> 8 & 0xff); break;
    case 4: gic_mask(value >> 8 & 0xff); break;
    case 5: gic_sgi_self(intid & 15); break;
    case 6: write_sysreg(cntv_ctl_el0, value >> 8 & 3); break;
    case 7: write_sysreg(cntv_cval_el0, read_sysreg(cntvct_el0) + (value >> 8 & 0x3ff) - 0x100); break;
    case 8: deactivate(intid); break;
    case 9: gic_end(value >> 8 & 1023); break;
    case 10: poke32(gic_bank(intid) + GICD_IGROUPR + intid / 32 * 4, (uint32_t)(value >> 24)); break;
    case 11:
        if (board.gic_version == 3)
            nonsense_v3(value);
        else
            nonsense_v2(value);
        break;
    default: gic_acknowledge(); break;
    }
}

// What the CPU interface holds of what ran is written away, and all works as ever.
static void test_nonsense(void)
{
    struct random random = { 3 };
    for (unsigned i = 0; i < 60000; i++)
        nonsense(random_next(&random));
    start(false);
    if (board.gic_version == 3) {
        write_icc(ICC_AP0R0_EL1, 0);
        write_icc(ICC_AP1R0_EL1, 0);
        write_icc(ICC_IGRPEN0_EL1, 0);
    } else {
        poke32(board.gicc + GICC_APR, 0);
        poke32(board.gicd + GICD_IGROUPR, 0);
        poke32(board.gicd + GICD_IGROUPR + 4, 0);
        for (unsigned i = 0; i < 4; i++)
            poke32(board.gicd + 0xf10 + 4 * i, ~0u); // GICD_CPENDSGIR
        gic_end(FIRST); // QEMU looks at GICC_APR then
    }
    gic_set_pending(FIRST, true);
    ok(gic_acknowledge() == FIRST && is_spurious(), "after 60,000 steps of nonsense an interrupt comes once");
    gic_end(FIRST);
    ok(!gic_is_active(FIRST) && is_spurious(), "and ends");
}

void test_main(void)
{
    plan(8 + 5 + 2);
    platform_describe();
    start(true);
    test_split();
    test_split_timer();
    test_many();
    start(false);
    if (board.gic_version == 3)
        test_group0();
    for (unsigned i = 0; i < 5 && board.gic_version == 2; i++)
        skip("its register is the same one", "group 0 of a GICv2");
    if (board.gic_version == 3 || platform.escapement) {
        test_nonsense();
    } else {
        skip("QEMU's GICv2 keeps its running priority", "an interrupt after nonsense");
        skip("QEMU's GICv2 keeps its running priority", "its end");
    }
    finish();
}
