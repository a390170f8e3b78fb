// SPDX-License-Identifier: MIT
// What the interrupt controller has latched at an acknowledge stays so until the interrupt ends, and what its handler
// changes counts from the next time. A handler that switches its interrupt off, in one of all the ways there are,
// leaves the level up and ends: the interrupt must not come again, is pending meanwhile, and comes when it is switched
// on. One that changes its priority or its group must end all the same.
#include "guest-tests/lib/arm64/gic.h"

#define SPI      40u // nothing is wired to it
#define SGI      5u
#define ENABLE   1u
#define NORMAL   0x80u
#define LESS     0xf0u
#define MASK     0xe0u // lets NORMAL through, and not LESS
#define TOO_MANY 100u

#define GICD_ARE 0x10u

static volatile uint64_t calls;
static unsigned source;
static void (*act)(bool off);

// Group 0 of a GICv3, and group 1 of a GICv2, is not enabled at the CPU interface: changed to it, an interrupt is off.
static void turn_group(bool off)
{
    uint64_t at = gic_bank(source) + GICD_IGROUPR + source / 32 * 4;
    uint32_t bit = 1u << source % 32;
    bool one = (board.gic_version == 3) != off;
    write32(at, one ? read32(at) | bit : read32(at) & ~bit);
}

static void turn_enable(bool off)
{
    gic_enable(source, !off);
}

static void turn_mask(bool off)
{
    gic_mask(off ? NORMAL : MASK);
}

static void turn_priority(bool off)
{
    gic_priority(source, off ? LESS : NORMAL);
}

static void turn_distributor(bool off)
{
    if (board.gic_version == 3)
        write32(board.gicd + GICD_CTLR, GICD_ARE | (off ? 0 : 2));
    else
        write32(board.gicd + GICD_CTLR, off ? 0 : 1);
}

static const struct way {
    const char *name;
    void (*turn)(bool off);
} ways[] = {
    { "disabled", turn_enable },
    { "masked at the CPU interface", turn_mask },
    { "given a priority below the mask", turn_priority },
    { "put into the other group", turn_group },
    { "shut off with the whole distributor", turn_distributor },
};

static void raise(bool up)
{
    switch (source) {
    case INTID_CNTV:
        write_sysreg(cntv_cval_el0, up ? 0 : CNTV_NEVER);
        write_sysreg(cntv_ctl_el0, ENABLE);
        break;
    case INTID_CNTP:
        write_sysreg(cntp_cval_el0, up ? 0 : CNTV_NEVER);
        write_sysreg(cntp_ctl_el0, ENABLE);
        break;
    case SGI:
        if (up)
            gic_sgi_self(SGI);
        break;
    default:
        gic_set_pending(source, up);
    }
}

static bool is_level(void)
{
    return source == INTID_CNTV || source == INTID_CNTP;
}

// An edge comes once more while its handler is at work; a level stays up.
static void handler(struct trap *trap)
{
    (void)trap;
    if (++calls >= TOO_MANY) {
        raise(false);
        return;
    }
    act(true);
    if (!is_level())
        raise(true);
}

static void pass(void)
{
    uint64_t end = counter_read() + 5000;
    interrupts_on();
    while (counter_read() < end)
        ;
    interrupts_off();
}

static void start(unsigned intid, void (*turn)(bool off))
{
    interrupts_off();
    source = intid;
    act = turn;
    calls = 0;
    gic_init();
    turn_group(false);
    gic_mask(MASK);
    if (!is_level() && intid >= 32)
        gic_edge(intid, true);
    gic_priority(intid, NORMAL);
    trap_set(intid, handler);
    gic_enable(intid, true);
}

static void stop(void)
{
    raise(false);
    gic_set_pending(source, false);
    gic_mask(MASK);
    trap_set(source, NULL);
}

static void test_off(const char *name, unsigned intid, const struct way *way)
{
    start(intid, way->turn);
    raise(true);
    pass();
    bool once = calls == 1, waits = gic_is_pending(intid), ended = !gic_is_active(intid);
    pass();
    once = once && calls == 1;
    way->turn(false);
    pass();
    ok(once && waits && ended && calls == 2 && !gic_is_active(intid),
       "%s, %s in its handler: once, pending (%u), ended (%u), and again when it is not (%lu)", name, way->name, waits,
       ended, calls - 1);
    stop();
}

static unsigned next_priority;

static void change_priority(bool off)
{
    (void)off;
    gic_priority(source, next_priority);
    raise(false);
}

// Taken, changed and ended again and again, with another priority each time.
static void test_priority(const char *name, unsigned intid)
{
    static const uint8_t to[] = { 0xd8, 0x00, 0x40, 0x88, 0xd0 };
    unsigned ended = 0;
    start(intid, change_priority);
    for (unsigned i = 0; i < ARRAY_LENGTH(to); i++) {
        next_priority = to[i];
        uint64_t before = calls;
        raise(true);
        pass();
        ended += calls > before && !gic_is_active(intid);
        raise(false);
        pass();
    }
    ok(ended == ARRAY_LENGTH(to), "%s with another priority after each acknowledge: %u of %lu ended", name, ended,
       ARRAY_LENGTH(to));
    stop();
}

// More urgent than its handler from then on: but it does not preempt itself, and one beside it does as it must.
static void test_order(void)
{
    start(SPI, change_priority);
    gic_edge(SPI + 1, true);
    gic_priority(SPI + 1, NORMAL);
    gic_enable(SPI + 1, true);
    gic_set_pending(SPI, true);
    gic_set_pending(SPI + 1, true);
    bool first = gic_acknowledge() == SPI;
    gic_priority(SPI, LESS);
    gic_priority(SPI, 0);
    gic_set_pending(SPI, true);
    bool held = gic_acknowledge() >= GIC_SPURIOUS;
    gic_end(SPI);
    bool next = gic_acknowledge() == SPI;
    gic_end(SPI);
    bool last = gic_acknowledge() == SPI + 1;
    gic_end(SPI + 1);
    ok(first && held && next && last && gic_acknowledge() >= GIC_SPURIOUS,
       "an edge that has come meanwhile is taken with the new priority, before another one");
    stop();
}

static const struct {
    const char *name;
    unsigned intid;
} sources[] = { { "CNTV", INTID_CNTV }, { "CNTP", INTID_CNTP }, { "an SPI", SPI }, { "an SGI", SGI } };

void test_main(void)
{
    plan(ARRAY_LENGTH(sources) * (ARRAY_LENGTH(ways) + 1) + 1);
    platform_describe();
    for (unsigned i = 0; i < ARRAY_LENGTH(sources); i++) {
        for (unsigned j = 0; j < ARRAY_LENGTH(ways); j++) {
            if (board.gic_version == 2 && sources[i].intid == SGI && j == 0)
                skip("always enabled", "an SGI of a GICv2, disabled");
            else
                test_off(sources[i].name, sources[i].intid, &ways[j]);
        }
        test_priority(sources[i].name, sources[i].intid);
    }
    test_order();
    finish();
}
