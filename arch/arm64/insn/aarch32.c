// SPDX-License-Identifier: MIT
// The condition of a trapped AArch32 instruction, the IT block it may be in, and the order of bytes: see aarch32.h.
// Pure.
#include "arch/arm64/insn/aarch32.h"

#define PSTATE_AARCH32 (UINT64_C(1) << 4)
#define PSTATE_T32     (UINT64_C(1) << 5)
#define PSTATE_E       (UINT64_C(1) << 9) // AArch32: data is big-endian
#define PSTATE_EL      (UINT64_C(3) << 2)
#define SCTLR_E0E      (UINT64_C(1) << 24)
#define SCTLR_EE       (UINT64_C(1) << 25)
#define ESR_CV         (UINT64_C(1) << 24)

#define IT_LOW_SHIFT   25 // PSTATE.IT<1:0>
#define IT_HIGH_SHIFT  10 // PSTATE.IT<7:2>
#define IT_BITS        (UINT64_C(3) << IT_LOW_SHIFT | UINT64_C(0x3f) << IT_HIGH_SHIFT)

static unsigned it_state(uint64_t pstate)
{
    return (unsigned)(pstate >> IT_LOW_SHIFT & 3) | (unsigned)(pstate >> IT_HIGH_SHIFT & 0x3f) << 2;
}

// F1.3: pairs of a condition and its opposite; 14 and 15 are always.
static bool holds(unsigned condition, uint64_t pstate)
{
    bool n = (pstate >> 31 & 1) != 0, z = (pstate >> 30 & 1) != 0, c = (pstate >> 29 & 1) != 0,
         v = (pstate >> 28 & 1) != 0;
    const bool by_pair[8] = { z, c, n, v, c && !z, n == v, !z && n == v, true };
    bool result = by_pair[condition >> 1];
    return (condition & 1) != 0 && condition != 15 ? !result : result;
}

// Without a condition in the syndrome it is a T32 instruction, and the IT block says: its upper four bits, outside of
// one always.
bool aarch32_condition_holds(uint64_t esr, uint64_t pstate)
{
    unsigned it = it_state(pstate);
    unsigned condition = (esr & ESR_CV) != 0 ? (unsigned)(esr >> 20) & 15 : it != 0 ? it >> 4 : 14;
    return holds(condition, pstate);
}

// G1.8, ITAdvance().
uint64_t aarch32_stepped(uint64_t pstate)
{
    unsigned it = it_state(pstate);
    if ((pstate & PSTATE_T32) == 0)
        return pstate;
    it = (it & 7) == 0 ? 0 : (it & 0xe0) | (it << 1 & 0x1f);
    return (pstate & ~IT_BITS) | (uint64_t)(it & 3) << IT_LOW_SHIFT | (uint64_t)(it >> 2) << IT_HIGH_SHIFT;
}

bool guest_is_big_endian(uint64_t pstate, uint64_t sctlr_el1)
{
    if ((pstate & PSTATE_AARCH32) != 0)
        return (pstate & PSTATE_E) != 0;
    return (sctlr_el1 & ((pstate & PSTATE_EL) != 0 ? SCTLR_EE : SCTLR_E0E)) != 0;
}
