// SPDX-License-Identifier: MIT
// Pairs that lie in two pages, of which one or both are a device's: each register is loaded or stored where it is, in
// RAM or in the device, and a second page that is not mapped gives its fault before anything is done.
#include "guest-tests/lib/arm64/gic.h"
#include "guest-tests/lib/arm64/slot.h"

#define PAGE         4096u
#define RTCDR        0x000u
#define RTCLR        0x008u
#define LDP_W3_W5    0x29401423u // [x1]
#define STP_W3_W5    0x29001423u
#define LDP_W3_W5_POST 0x28c11423u // [x1], #8
#define LDR_X3_POST  0xf8408423u // [x1], #8
#define TRANSLATION  0x07u // at level 3
#define UNALIGNED    0x21u

static struct random noise = { 1 };
static uint32_t before_it[PAGE / 4] __attribute__((aligned(PAGE))), after_it[PAGE / 4] __attribute__((aligned(PAGE)));
static struct slot_context context;

static struct caught run(uint32_t word, uint64_t x1)
{
    context_fill(&context, &noise);
    context.x[1] = x1;
    slot_set(&word, 1);
    return catch_trap(slot_run, (uint64_t)&context);
}

static bool loads(uint64_t at, uint64_t first, uint64_t second)
{
    struct caught caught = run(LDP_W3_W5, at);
    bool right = caught.class == CLASS_NONE && context.x[3] == first && context.x[5] == second;
    if (!right)
        diag("LDP at 0x%lx: class 0x%x, 0x%lx and 0x%lx, not 0x%lx and 0x%lx", at, caught.class, context.x[3],
             context.x[5], first, second);
    return right;
}

static bool faults(uint32_t word, uint64_t base, uint64_t at, unsigned fault)
{
    struct caught caught = run(word, base);
    bool right = caught.class == CLASS_DATA_ABORT && (caught.esr & 0x3f) == fault && caught.far == at;
    if (!right || caught.x1 != base)
        diag("0x%x: class 0x%x, ESR 0x%lx, FAR 0x%lx, base 0x%lx", word, caught.class, caught.esr, caught.far,
             caught.x1);
    return right && caught.x1 == base;
}

void test_main(void)
{
    uint32_t *last = &before_it[PAGE / 4 - 1], *first = &after_it[0];
    plan(7);
    write_sysreg(cpacr_el1, 3u << 20);
    uint64_t ram = (uint64_t)mmu_map_normal((uint64_t)before_it), rtc = (uint64_t)mmu_map_normal(board.rtc);
    (void)mmu_map_normal((uint64_t)after_it);
    uint64_t again = (uint64_t)mmu_map_normal(board.rtc), gicd = (uint64_t)mmu_map_normal(board.gicd);
    uint64_t end = (uint64_t)mmu_map_normal(board.rtc);
    ok(rtc == ram + PAGE && gicd == again + PAGE, "one page after the other");

    *last = 0x12345678;
    *first = 0x9abcdef0;
    write32(board.rtc + RTCLR, 1000);
    uint32_t now = read32(board.rtc + RTCDR);
    ok(loads(rtc - 4, 0x12345678, now), "a pair that begins in RAM and ends in a device");
    ok(loads(rtc + PAGE - 4, 0xb1, 0x9abcdef0), "one that begins in a device and ends in RAM");
    write32(board.gicd + GICD_CTLR, 0);
    bool off = loads(gicd - 4, 0xb1, read32(board.gicd + GICD_CTLR));
    write32(board.gicd + GICD_CTLR, 1);
    ok(off && loads(gicd - 4, 0xb1, read32(board.gicd + GICD_CTLR)), "from one device into another");

    struct caught caught = run(STP_W3_W5, rtc + PAGE - 4);
    bool stored = caught.class == CLASS_NONE && *first == (uint32_t)context.x[5];
    caught = run(STP_W3_W5, gicd - 4);
    stored = stored && caught.class == CLASS_NONE && (read32(board.gicd + GICD_CTLR) & 1) == (context.x[5] & 1);
    caught = run(STP_W3_W5, rtc - 4);
    ok(stored && caught.class == CLASS_NONE && *last == (uint32_t)context.x[3], "stores likewise");

    ok(faults(LDP_W3_W5_POST, end + PAGE - 4, end + PAGE, TRANSLATION), "into a page that is not mapped: its fault");
    ok(faults(LDR_X3_POST, gicd - 4, gicd - 4, UNALIGNED), "one register in two pages: an alignment fault");
    gic_init();
    finish();
}
