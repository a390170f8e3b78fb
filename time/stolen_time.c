// SPDX-License-Identifier: MIT
// Writing the structure of stolen time: see stolen_time.h. Pure; called by arch/arm64/guest/pvtime.c.
#include "time/stolen_time.h"

void stolen_time_wanted(struct stolen_time *st, uint64_t stolen_cycles)
{
    if (st->wanted)
        return;
    st->wanted = true;
    st->base_cycles = stolen_cycles;
    st->seen_cycles = stolen_cycles;
}

void stolen_time_write(struct stolen_time *st, struct stolen_page *page, uint64_t stolen_cycles, uint64_t hz)
{
    uint64_t cycles = stolen_cycles - st->base_cycles;
    HOT_INVARIANT(st->wanted && stolen_cycles >= st->seen_cycles && hz != 0);
    st->seen_cycles = stolen_cycles;
    uint64_t stolen_ns = (uint64_t)((unsigned __int128)cycles * NS_PER_S / hz);
    __atomic_store_n(&page->stolen_ns, stolen_ns, __ATOMIC_RELAXED);
}
