// SPDX-License-Identifier: MIT
// The interrupt controller: does every interrupt come once, in order, as often as its level or its edges say, however
// many wait or nest? And does it still, after every register was written with nonsense at every width?
//
// Interrupts stay masked in PSTATE and are taken by asking for them. More are pending, and more are active, than there
// are list registers.
#include "guest-tests/lib/arm64/gic.h"

// SPIs to which the board wires nothing that interrupts here.
#define FIRST      40u
#define LAST       63u
#define COUNT      (LAST - FIRST + 1)
#define DEPTH      12u // of nesting
#define ENABLE     1u
#define FAR        (UINT64_C(1) << 62)
#define GICD_CPENDSGIR 0xf10u
#define GICD_IROUTER   0x6000u
#define V2_SIZE    0x1000u
#define V3_SIZE    0x10000u

static const unsigned widths[] = { 1, 2, 4, 8 };

// In a loop a compiler would make these stores with writeback, which nobody can carry out for a guest: their syndrome
// does not say what they are.
static void poke32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static void poke64(uint64_t address, uint64_t value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static bool is_spurious(void)
{
    return gic_acknowledge() >= GIC_SPURIOUS;
}

// The end of an interrupt counts in its own group alone.
static void set_groups(void)
{
    for (unsigned first = 0; first < 64; first += 32)
        poke32(gic_bank(first) + GICD_IGROUPR + first / 8, board.gic_version == 2 ? 0 : ~0u);
}

static void start(void)
{
    interrupts_off();
    write_sysreg(cntp_ctl_el0, 0);
    write_sysreg(cntv_ctl_el0, 0);
    gic_init();
    set_groups();
    for (unsigned i = 0; i < 16 && board.gic_version == 2; i += 4)
        poke32(board.gicd + GICD_CPENDSGIR + i, ~0u);
    gic_edge(INTID_CNTV, false);
    gic_edge(INTID_CNTP, false);
    for (unsigned intid = FIRST; intid <= LAST; intid++) {
        if (board.gic_version == 3)
            poke64(board.gicd + GICD_IROUTER + 8 * intid, 0);
        gic_edge(intid, true);
        gic_enable(intid, true);
    }
}

// Takes and ends all there is, at most `most`; the number, 0 if one came twice or after one of less priority.
static unsigned drain(const uint8_t *priority, unsigned most)
{
    uint64_t seen = 0;
    unsigned last = 0, count = 0;
    for (; count < most; count++) {
        unsigned intid = gic_acknowledge();
        if (intid >= GIC_SPURIOUS)
            break;
        if (intid > LAST || seen >> intid & 1 || priority[intid] < last)
            return 0;
        seen |= UINT64_C(1) << intid;
        last = priority[intid];
        gic_end(intid);
    }
    return count;
}

static void test_order(void)
{
    struct random random = { 1 };
    bool all = true, none_left = true;
    for (unsigned round = 0; round < 20; round++) {
        uint8_t priority[LAST + 1] = { 0 };
        for (unsigned intid = FIRST; intid <= LAST; intid++) {
            priority[intid] = (uint8_t)(random_next(&random) % 24 * 8);
            gic_priority(intid, priority[intid]);
            gic_set_pending(intid, true);
        }
        all = all && drain(priority, 2 * COUNT) == COUNT;
        none_left = none_left && is_spurious();
    }
    ok(all, "%u interrupts at once: each comes once, the urgent ones first", COUNT);
    ok(none_left, "and then none is left");
}

// Each is more urgent than the one before.
static void test_nesting(void)
{
    bool taken = true, active = true, ended = true;
    for (unsigned i = 0; i < DEPTH; i++) {
        gic_priority(FIRST + i, 0xb0 - 8 * i);
        gic_set_pending(FIRST + i, true);
        taken = taken && gic_acknowledge() == FIRST + i;
    }
    gic_priority(LAST, 0xc0);
    gic_set_pending(LAST, true);
    ok(taken, "%u interrupts nest", DEPTH);
    ok(is_spurious(), "one that is less urgent waits");
    for (unsigned i = 0; i < DEPTH; i++)
        active = active && gic_is_active(FIRST + i) && !gic_is_pending(FIRST + i);
    ok(active, "all are active");
    for (unsigned i = DEPTH; i-- > 0;) {
        ended = ended && is_spurious();
        gic_end(FIRST + i);
        ended = ended && !gic_is_active(FIRST + i);
    }
    ok(ended, "each ends by its own end");
    ok(gic_acknowledge() == LAST, "then the one that waited comes");
    gic_end(LAST);
}

// The same without a look at the distributor in between, which would let the monitor sort its list registers.
static void test_nesting_unseen(void)
{
    bool taken = true;
    for (unsigned i = 0; i < DEPTH; i++) {
        gic_priority(FIRST + i, 0xb0 - 8 * i);
        gic_set_pending(FIRST + i, true);
        taken = taken && gic_acknowledge() == FIRST + i;
    }
    for (unsigned i = DEPTH; i-- > 0;)
        gic_end(FIRST + i);
    bool none = true;
    for (unsigned i = 0; i < DEPTH; i++)
        none = none && !gic_is_active(FIRST + i);
    ok(taken && none, "%u nested ones end one after the other", DEPTH);
}

static void test_edges(void)
{
    gic_set_pending(FIRST, true);
    gic_set_pending(FIRST, true);
    ok(gic_acknowledge() == FIRST && is_spurious(), "two edges before the first is taken are one");
    gic_set_pending(FIRST, true);
    ok(gic_is_pending(FIRST) && gic_is_active(FIRST) && is_spurious(), "an edge while it is active waits");
    gic_end(FIRST);
    ok(gic_acknowledge() == FIRST, "and comes when it has ended");
    gic_end(FIRST);
    gic_set_pending(FIRST, true);
    gic_set_pending(FIRST, false);
    ok(is_spurious(), "an edge that is withdrawn does not come");
    gic_enable(FIRST, false);
    gic_set_pending(FIRST, true);
    ok(is_spurious() && gic_is_pending(FIRST), "one that is disabled is pending and does not come");
    gic_enable(FIRST, true);
    ok(gic_acknowledge() == FIRST, "until it is enabled");
    gic_enable(FIRST, false);
    gic_end(FIRST);
    ok(!gic_is_active(FIRST), "disabled in its handler it still ends");
    gic_enable(FIRST, true);
    gic_mask(0xa0);
    gic_set_pending(FIRST, true);
    gic_priority(FIRST, 0xa0);
    ok(is_spurious(), "one that the CPU interface masks does not come");
    gic_mask(0xa8);
    ok(gic_acknowledge() == FIRST, "until the mask is lower");
    gic_end(FIRST);
    gic_mask(0xff);
}

struct timer {
    const char *name;
    unsigned intid;
    void (*set)(bool high);
    bool in_hardware; // under Escapement: nobody sees its level fall
};

static void set_physical(bool high)
{
    write_sysreg(cntp_cval_el0, high ? 0 : FAR);
    write_sysreg(cntp_ctl_el0, ENABLE);
}

static void set_virtual(bool high)
{
    write_sysreg(cntv_cval_el0, high ? 0 : FAR);
    write_sysreg(cntv_ctl_el0, ENABLE);
}

// The host's interrupt for the virtual timer comes at a boundary of its own.
static void settle(void)
{
    for (unsigned i = 0; i < 100; i++)
        __asm__ volatile("nop");
}

static void test_level(const struct timer *timer)
{
    gic_enable(timer->intid, true);
    timer->set(true);
    settle();
    ok(gic_is_pending(timer->intid), "%s: a high level is pending", timer->name);
    ok(gic_acknowledge() == timer->intid && is_spurious(), "%s: and comes once", timer->name);
    ok(gic_is_active(timer->intid) && gic_is_pending(timer->intid), "%s: active and pending", timer->name);
    gic_end(timer->intid);
    settle();
    ok(gic_acknowledge() == timer->intid, "%s: still high at its end it comes again", timer->name);
    timer->set(false);
    ok(!gic_is_pending(timer->intid), "%s: its level falls in the handler", timer->name);
    gic_end(timer->intid);
    settle();
    ok(is_spurious() && !gic_is_active(timer->intid), "%s: then it is over", timer->name);
    timer->set(true);
    settle();
    timer->set(false);
    settle();
    if (timer->in_hardware)
        gic_is_pending(timer->intid);
    ok(is_spurious(), "%s: a level that falls before it is taken does not come", timer->name);
    gic_enable(timer->intid, false);
    timer->set(true);
    settle();
    ok(gic_is_pending(timer->intid) && is_spurious(), "%s: disabled it is pending and does not come", timer->name);
    timer->set(false);
    settle();
    ok(!gic_is_pending(timer->intid), "%s: and then not", timer->name);
    gic_enable(timer->intid, true);
    ok(is_spurious(), "%s: enabled while it is low, it does not come", timer->name);
    timer->set(true);
    settle();
    ok(gic_acknowledge() == timer->intid, "%s: but when it rises", timer->name);
    timer->set(false);
    gic_end(timer->intid);
    gic_set_pending(timer->intid, true);
    bool came = gic_acknowledge() == timer->intid;
    gic_end(timer->intid);
    ok(came && is_spurious(), "%s: made pending by a write it comes once", timer->name);
    gic_set_active(timer->intid, true);
    timer->set(true);
    settle();
    ok(is_spurious(), "%s: made active by a write it does not come", timer->name);
    gic_set_active(timer->intid, false);
    settle();
    ok(gic_acknowledge() == timer->intid, "%s: until it is not", timer->name);
    timer->set(false);
    gic_end(timer->intid);
}

static void test_sgis(void)
{
    bool came = true;
    for (unsigned intid = 0; intid < 16; intid++) {
        gic_enable(intid, true);
        gic_sgi_self(intid);
        came = came && gic_acknowledge() == intid && is_spurious();
        gic_sgi_self(intid);
        came = came && is_spurious() && gic_is_active(intid) && gic_is_pending(intid);
        gic_end(intid);
        came = came && gic_acknowledge() == intid;
        gic_end(intid);
    }
    ok(came && is_spurious(), "an SGI comes as often as it is sent");
    for (unsigned intid = 0; intid < 16; intid++)
        gic_sgi_self(intid);
    uint8_t priority[LAST + 1] = { 0 };
    ok(drain(priority, 32) == 16, "16 SGIs at once");
}

// A WFI ends by an interrupt that PSTATE masks, and not by one that is active.
static void test_wfi(void)
{
    gic_set_pending(FIRST, true);
    wait_for_interrupt();
    ok(gic_acknowledge() == FIRST, "WFI with an interrupt pending goes on");
    gic_enable(INTID_CNTV, true);
    gic_priority(INTID_CNTV, 0x40);
    write_sysreg(cntv_cval_el0, read_sysreg(cntvct_el0) + 5000);
    write_sysreg(cntv_ctl_el0, ENABLE);
    wait_for_interrupt();
    ok(gic_acknowledge() == INTID_CNTV, "WFI with an interrupt active ends by the timer");
    set_virtual(false);
    gic_end(INTID_CNTV);
    gic_end(FIRST);
}

// --- nonsense -------------------------------------------------------------------------------------------------------

static uint64_t access_address, access_value;
static unsigned access_width;
static volatile uint64_t answered, refused;

static void read_once(uint64_t unused)
{
    (void)unused;
    uint64_t value;
    switch (access_width) {
    case 1: __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(access_address)); break;
    case 2: __asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(access_address)); break;
    case 4: __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(access_address)); break;
    default: __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(access_address)); break;
    }
    answered++;
}

static void write_once(uint64_t unused)
{
    (void)unused;
    switch (access_width) {
    case 1: __asm__ volatile("strb %w0, [%1]" : : "r"(access_value), "r"(access_address)); break;
    case 2: __asm__ volatile("strh %w0, [%1]" : : "r"(access_value), "r"(access_address)); break;
    case 4: __asm__ volatile("str %w0, [%1]" : : "r"(access_value), "r"(access_address)); break;
    default: __asm__ volatile("str %0, [%1]" : : "r"(access_value), "r"(access_address)); break;
    }
    answered++;
}

static unsigned taken[64], taken_count;

// Takes and ends what is there, so that list registers are in every state in between.
static void disturb(uint64_t value)
{
    if (value & 1)
        gic_sgi_self(value >> 8 & 15);
    if (value & 2 && taken_count < ARRAY_LENGTH(taken)) {
        taken[taken_count] = gic_acknowledge();
        taken_count += taken[taken_count] < GIC_SPURIOUS;
    }
    if (value & 4 && taken_count > 0) {
        set_groups();
        gic_end(taken[--taken_count]);
    }
}

// Every offset at every width.
static void nonsense_at(uint64_t base, uint64_t size, struct random *random)
{
    for (uint64_t offset = 0; offset < size; offset += 4)
        for (unsigned i = 0; i < ARRAY_LENGTH(widths); i++) {
            access_width = widths[i];
            access_address = base + offset + (access_width < 4 ? random_next(random) % 4 & ~(access_width - 1) : 0);
            if (access_address % access_width != 0)
                continue;
            access_value = random_next(random);
            if (catch_trap(write_once, 0).class != CLASS_NONE || catch_trap(read_once, 0).class != CLASS_NONE)
                refused++;
            disturb(random_next(random));
        }
}

static void test_nonsense(void)
{
    struct random random = { 7 };
    nonsense_at(board.gicd, board.gic_version == 2 ? V2_SIZE : V3_SIZE, &random);
    if (board.gic_version == 3)
        nonsense_at(board.gicr, 2 * V3_SIZE, &random);
    diag("%lu accesses answered, %lu refused", answered, refused);
    ok(refused == 0, "every offset answers at every width");
    set_groups();
    while (taken_count > 0)
        gic_end(taken[--taken_count]);
    for (unsigned intid = 0; intid < 1020; intid++)
        gic_end(intid); // nothing of it is running
}

static const struct timer timers[] = {
    { "CNTP", INTID_CNTP, set_physical, false },
    { "CNTV", INTID_CNTV, set_virtual, true },
};

void test_main(void)
{
    plan(2 * (3 + 2 * 15 + 16) + 1);
    platform_describe();
    for (unsigned round = 0; round < 2; round++) {
        start();
        test_order();
        test_nesting();
        test_nesting_unseen();
        test_edges();
        test_sgis();
        for (unsigned i = 0; i < ARRAY_LENGTH(timers); i++)
            test_level(&timers[i]);
        test_wfi();
        if (round == 0)
            test_nonsense();
    }
    finish();
}
