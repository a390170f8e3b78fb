// SPDX-License-Identifier: MIT
// The table of emucost.h, with the source of each figure.
#include "time/emucost.h"

#include "time/ratio.h"

static const uint32_t costs_ns[EMUCOST_KIND_COUNT] = {
    [EMUCOST_INSTRUCTION] = 0,
    // CPUID: 100 to 250 cycles on Intel's and AMD's processors (Agner Fog, Instruction tables), at 2 to 5 GHz.
    [EMUCOST_MICROCODE] = 50,
    // A read that goes to a register in the CPU or its chipset and back: tens of ns for a local APIC, some hundred for
    // an HPET (Linux calls it too slow to read on every clock_gettime(), where a TSC read takes 10 to 20).
    [EMUCOST_MEMORY] = 100,
    // Eight bits on the ISA bus: six cycles of its clock of 8.33 MHz, 0.7 us, and the way there (IEEE P996). Linux
    // waits about a microsecond by one write to port 80h, and takes 2 us for the most that one takes (io_delay.c).
    [EMUCOST_PORT] = 1000,
};

uint32_t emucost_ns(enum emucost_kind kind)
{
    return costs_ns[kind];
}

uint64_t emucost_cycles(enum emucost_kind kind, uint64_t hz)
{
    uint64_t cycles = mul_div_ceil(costs_ns[kind], hz, NS_PER_S);
    return cycles == 0 ? 1 : cycles;
}
