// SPDX-License-Identifier: MIT
// A chip remembers one request, and nothing that was before it was set up. Timers tick while nobody takes them; then the
// guest changes what stands in their way and looks at once: what has passed is past, the next edge comes at its time.
#include "guest-tests/lib/x86_64/devices.h"

#define OCW3_IRR     0x0au
#define MS           1193u // clocks of the PIT

static uint64_t us(uint64_t count)
{
    return count * (platform.counter_hz / 1000000);
}

static unsigned pic_irr(void)
{
    outb(0x20, OCW3_IRR);
    return inb(0x20);
}

// --- what has passed is past ----------------------------------------------------------------------------------------

static void test_initialisation(void)
{
    pic_init(0);
    uint64_t origin = pit_start(0, 2, 10 * MS);
    wait_until(pit_stamp(origin, 35 * MS));
    unsigned before = pic_irr() & 1;
    pic_init(0);
    unsigned at_once = pic_irr() & 1;
    wait_until(pit_stamp(origin, 40 * MS) + us(1));
    unsigned later = pic_irr() & 1;
    ok(before == 1, "three edges at a masked input are one request");
    ok(at_once == 0, "ICW1 forgets it, and none of the others comes after");
    ok(later == 1, "the next edge is a request again");
}

void test_main(void)
{
    plan(3);
    lapic_init(false);
    test_initialisation();
}
