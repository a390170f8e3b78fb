// SPDX-License-Identifier: MIT
// What a world switch takes and gives, shared by the C code and world.S; the offsets are checked here.
#ifndef ARCH_ARM64_WORLD_H
#define ARCH_ARM64_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The vector that an exit came through.
enum world_vector { WORLD_SYNC, WORLD_IRQ, WORLD_FIQ, WORLD_SERROR };

struct world {
    uint64_t x[31];       // the guest's; its SP_EL0 and SP_EL1 stay in the CPU
    uint64_t pc, pstate;  // ELR_EL2, SPSR_EL2
    uint64_t v;           // in: V; CNTVOFF of this entry = ((t0 - v) & counter_mask) - counter_base
    uint64_t counter_base;
    uint64_t counter_mask;
    uint64_t alarm;       // in: cycles from t0 to the alarm
    uint64_t t0, t1;      // out: the counter, last before and first after the guest
    uint64_t vector;      // out: enum world_vector
    uint64_t esr;         // out: the syndrome, of a synchronous exit
    struct vcpu *quick;   // in: exits of this vCPU may be answered on the way (quick.c); null: none
    bool     booked;      // out, set there: the last slice is booked
};

_Static_assert(offsetof(struct world, x) == 0, "world.S");
_Static_assert(offsetof(struct world, pc) == 248, "world.S");
_Static_assert(offsetof(struct world, v) == 264, "world.S");
_Static_assert(offsetof(struct world, counter_base) == 272, "world.S");
_Static_assert(offsetof(struct world, counter_mask) == 280, "world.S");
_Static_assert(offsetof(struct world, alarm) == 288, "world.S");
_Static_assert(offsetof(struct world, t0) == 296, "world.S");
_Static_assert(offsetof(struct world, t1) == 304, "world.S");
_Static_assert(offsetof(struct world, vector) == 312, "world.S");
_Static_assert(offsetof(struct world, esr) == 320, "world.S");
_Static_assert(offsetof(struct world, quick) == 328, "world.S");

// Runs the guest until its next exit; the counter is sampled at both ends. Of the registers that a function keeps only
// X19 to X22 are kept, and X29 for the backtrace: the compiler is told that the others are lost, so it saves the few
// values it still needs. X18, the platform's register, is one like the others here.
static inline void world_switch(struct world *at)
{
    register struct world *world __asm__("x0") = at;
    __asm__ volatile("bl world_switch_body"
                     : "+r"(world)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "x18", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "cc", "memory");
}

#endif
