// SPDX-License-Identifier: MIT
// The stamps of arrivals: what the handler of a test that asks "when did it come?" writes down.
#include "guest-tests/lib/guest.h"

struct record record;

void record_arrival(uint64_t stamp, uint64_t pc, void (*acknowledge)(void))
{
    record.previous_stamp = record.stamp;
    record.previous_pc = record.pc;
    record.stamp = stamp;
    record.pc = pc;
    record.count++;
    if (acknowledge)
        acknowledge();
}

bool wait_for_record(uint64_t count, uint64_t bound)
{
    interrupts_on();
    for (uint64_t spins = 0; record.count < count && spins < bound; spins++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    return record.count >= count;
}
