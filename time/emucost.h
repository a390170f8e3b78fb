// SPDX-License-Identifier: MIT
// What an instruction would have cost on a real machine that the monitor executes for the guest instead: the E of the
// ledger, and under clock=guest+emu a part of V. A guest that waits by counting such instructions then waits about as
// long as it does on a PC. Figures of the usual order, one for each kind; no two real machines agree to a tenth.
#ifndef TIME_EMUCOST_H
#define TIME_EMUCOST_H

#include "time/units.h"

enum emucost_kind {
    EMUCOST_INSTRUCTION, // nothing but itself: a cycle, as an emulator charges that counts instructions
    EMUCOST_MICROCODE,   // the CPU answers by itself, slowly: CPUID, an access to a system register
    EMUCOST_MEMORY,      // a register of a device in memory, uncached
    EMUCOST_PORT,        // a port behind the ISA bus or its successors, LPC and eSPI
    EMUCOST_KIND_COUNT
};

// In nanoseconds; 0 stands for a cycle.
uint32_t emucost_ns(enum emucost_kind kind);

// In cycles of a clock of `hz`, rounded up, so at least 1.
uint64_t emucost_cycles(enum emucost_kind kind, uint64_t hz);

#endif
