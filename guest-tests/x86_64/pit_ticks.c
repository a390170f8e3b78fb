// SPDX-License-Identifier: MIT
// M7 and M8: 10^5 ticks of the PIT's mode 2, the guest halted between them. None lost, none doubled, none off its
// deadline.
//
// The count of a tick is told from its stamp, not from counting handlers: tick k must arrive at
// origin + ceil(k * 1193 * Hz / 1193182), for every k.
#include "guest-tests/lib/x86_64/devices.h"

#define COUNT 1193u

static void acknowledge(void)
{
    pic_eoi(0);
}

void test_main(void)
{
    uint64_t ticks = cmdline_number("ticks", 100000), lost = 0, doubled = 0, seen = 0, last = 0;
    struct spread spread = { 0 };
    struct record extra = { 0 };
    plan(5);
    lapic_init(false);
    pic_init(1);
    trap_record(VECTOR_PIC, acknowledge);
    uint64_t origin = pit_start(0, 2, COUNT);
    for (uint64_t halts = 0; last < ticks && halts < 2 * ticks; halts++) {
        halt_until_interrupt();
        if (record.count == seen)
            continue;
        seen++;
        if (record.count != seen && !extra.count)
            extra = record;
        uint64_t k = mul_div_floor(record.stamp - origin, PIT_HZ, platform.counter_hz * COUNT);
        doubled += k == last;
        lost += k > last + 1 ? k - last - 1 : 0;
        spread_add(&spread, (int64_t)(record.stamp - pit_stamp(origin, k * COUNT)));
        last = k;
    }
    diag("M7 ticks=%lu arrived=%lu lost=%lu doubled=%lu", ticks, seen, lost, doubled);
    if (extra.count)
        diag("interrupt %lu was one too many: %lu cycles after the start, RIP 0x%lx; the one before it %lu, RIP 0x%lx",
             extra.count, extra.stamp - origin, extra.pc, extra.previous_stamp - origin, extra.previous_pc);
    diag("M8 tick %lu: error %ld; all ticks min=%ld max=%ld cycles", last,
         (int64_t)(record.stamp - pit_stamp(origin, last * COUNT)), spread.min, spread.max);
    ok(last == ticks, "%lu ticks came to an end", ticks);
    ok_exact(lost == 0, "M7 none lost (%lu)", lost);
    ok_exact(doubled == 0 && seen == record.count, "M7 none doubled (%lu; %lu handled)", doubled, record.count);
    ok_exact(spread.min >= 0, "M6 none early");
    ok_exact(spread.min == 0 && spread.max == 0, "M8 every tick stands exactly at its deadline, the last one too");
}
