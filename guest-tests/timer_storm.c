// SPDX-License-Identifier: MIT
// A guest asks for absurdly short periods. Does the monitor live, does the guest get on, and does V stay exact?
//
// With interrupts off the storm must not be felt at all: straight-line code counts to the instruction. With interrupts
// on the handler may take all time there is until it masks the timer; then the foreground must finish.
#include "guest-tests/timer_storm.h"
#include "guest-tests/lib/exact.h"

#define ENOUGH 2000u // interrupts after which the handler stops the storm

static volatile uint64_t ticks;
static volatile bool stormy;

bool storm_enough(void)
{
    if (++ticks < ENOUGH)
        return false;
    stormy = false;
    return true;
}

// 10,000 instructions with interrupts off while the storm is on; then on until the handler has had enough.
void weather(const char *name)
{
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    ticks = 0;
    stormy = true;
    uint64_t target = counter_read() + 10000;
    uint64_t arrived = wait_until(target);
    ok_counted(arrived == target, "%s: 10,000 instructions with interrupts off are counted exactly", name);
    uint64_t held = ticks, work = 0;
    interrupts_on();
    // A CPU does that much work before so many ticks have come: then a second is the bound.
    uint64_t start = counter_read();
    for (; (work < 5000000 || counter_read() - start < platform.counter_hz) && (stormy || work < 1000); work++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    diag("%s: %lu interrupts, %lu rounds of work meanwhile, %lu exits", name, ticks, work, exits);
    // One more may have been pending when the timer was stopped; hardware has no room for a second.
    ok(held == 0 && !stormy && ticks >= ENOUGH && ticks <= ENOUGH + 1, "%s: the handler stopped the storm", name);
    ok(work >= 1000, "%s: the foreground finished its work", name);
}

void test_main(void)
{
    plan(storm_claims);
    storms();
}
