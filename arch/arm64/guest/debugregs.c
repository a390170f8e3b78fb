// SPDX-License-Identifier: MIT
// The debug registers of a guest (Arm ARM DDI 0487 D19.3; self-hosted debug, D2). All of them trap, because MDSCR_EL1
// is shared with whoever steps the guest. Breakpoints and watchpoints are the guest's, in the CPU; the monitor masks
// debug exceptions and has none. MDSCR_EL1, the OS lock and the double lock are kept here, and what they come to is in
// the CPU. No debugger is connected from outside: its data channel is empty and takes everything.
#include "arch/arm64/guest/sysreg.h"

#define MDSCR_SS    BIT(0)
#define MDSCR_TDCC  BIT(12)
#define MDSCR_KDE   BIT(13)
#define MDSCR_MDE   BIT(15)
#define MDSCR_KEPT  (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)
#define OSLSR_OSLM  UINT64_C(8) // the OS lock is implemented
#define OSLSR_OSLK  BIT(1)
#define CLAIM_TAGS  0xff

// The registers of breakpoint or watchpoint n: its value and its control, by op2.
enum comparator { BREAK_VALUE = 4, BREAK_CONTROL, WATCH_VALUE, WATCH_CONTROL };

#define EACH_OF_16(X, op2) \
    X(0, op2) X(1, op2) X(2, op2) X(3, op2) X(4, op2) X(5, op2) X(6, op2) X(7, op2) X(8, op2) X(9, op2) X(10, op2) \
    X(11, op2) X(12, op2) X(13, op2) X(14, op2) X(15, op2)
#define EACH(X) EACH_OF_16(X, 4) EACH_OF_16(X, 5) EACH_OF_16(X, 6) EACH_OF_16(X, 7)
#define READ(n, op2)  case (n) << 3 | (op2): return sysreg_read(S2_0_C0_C##n##_##op2);
#define WRITE(n, op2) case (n) << 3 | (op2): sysreg_write(S2_0_C0_C##n##_##op2, value); return;

static uint64_t comparator_read(uint32_t crm_op2)
{
    switch (crm_op2) {
    EACH(READ)
    default: return 0;
    }
}

static void comparator_write(uint32_t crm_op2, uint64_t value)
{
    switch (crm_op2) {
    EACH(WRITE)
    }
}

// How many there are: ID_AA64DFR0_EL1 has one less.
static unsigned comparator_count(unsigned op2)
{
    uint64_t dfr0 = sysreg_read(id_aa64dfr0_el1);
    return (unsigned)(dfr0 >> (op2 == BREAK_VALUE || op2 == BREAK_CONTROL ? 12 : 20) & 15) + 1;
}

void debug_load(const struct debug_state *debug)
{
    bool locked = debug->os_locked || debug->double_locked;
    sysreg_write(mdscr_el1, locked ? debug->mdscr & MDSCR_TDCC : debug->mdscr);
}

void debug_reset(struct debug_state *debug)
{
    *debug = (struct debug_state){ .os_locked = true };
    for (unsigned op2 = BREAK_VALUE; op2 <= WATCH_CONTROL; op2++)
        for (unsigned n = comparator_count(op2); n-- != 0; )
            comparator_write(n << 3 | op2, 0);
    sysreg_write(oslar_el1, 0);
    sysreg_write(osdlr_el1, 0);
    debug_load(debug);
}

static bool comparator_access(uint32_t crm_op2, bool is_write, uint64_t *value)
{
    if ((crm_op2 >> 3) >= comparator_count(crm_op2 & 7))
        return false;
    if (is_write)
        comparator_write(crm_op2, *value);
    else
        *value = comparator_read(crm_op2);
    return true;
}

static bool debug_read(const struct debug_state *debug, uint32_t encoding, uint64_t *value)
{
    switch (encoding) {
    case SYSREG(2, 0, 0, 2, 2): *value = debug->mdscr; return true;                                  // MDSCR_EL1
    case SYSREG(2, 0, 1, 1, 4): *value = OSLSR_OSLM | (debug->os_locked ? OSLSR_OSLK : 0); return true; // OSLSR_EL1
    case SYSREG(2, 0, 1, 3, 4): *value = debug->double_locked; return true;                          // OSDLR_EL1
    case SYSREG(2, 0, 7, 8, 6): *value = CLAIM_TAGS; return true;                                    // DBGCLAIMSET_EL1
    case SYSREG(2, 0, 7, 9, 6): *value = debug->claim; return true;                                  // DBGCLAIMCLR_EL1
    case SYSREG(2, 0, 0, 0, 2): // OSDTRRX_EL1
    case SYSREG(2, 0, 0, 2, 0): // MDCCINT_EL1
    case SYSREG(2, 0, 0, 3, 2): // OSDTRTX_EL1
    case SYSREG(2, 0, 0, 6, 2): // OSECCR_EL1
    case SYSREG(2, 3, 0, 1, 0): // MDCCSR_EL0
    case SYSREG(2, 3, 0, 4, 0): // DBGDTR_EL0
    case SYSREG(2, 3, 0, 5, 0): // DBGDTRRX_EL0
    case SYSREG(2, 0, 1, 0, 0): // MDRAR_EL1: no debug ROM
    case SYSREG(2, 0, 1, 4, 4): // DBGPRCR_EL1
    case SYSREG(2, 0, 7, 14, 6): *value = 0; return true; // DBGAUTHSTATUS_EL1: nobody debugs from outside
    default: return false;
    }
}

static bool debug_write(struct debug_state *debug, uint32_t encoding, uint64_t value)
{
    switch (encoding) {
    case SYSREG(2, 0, 0, 2, 2): debug->mdscr = (uint32_t)(value & MDSCR_KEPT); return true; // MDSCR_EL1
    case SYSREG(2, 0, 1, 0, 4): debug->os_locked = (value & 1) != 0; return true;           // OSLAR_EL1
    case SYSREG(2, 0, 1, 3, 4): debug->double_locked = (value & 1) != 0; return true;       // OSDLR_EL1
    case SYSREG(2, 0, 7, 8, 6): debug->claim |= (uint8_t)value; return true;                // DBGCLAIMSET_EL1
    case SYSREG(2, 0, 7, 9, 6): debug->claim &= (uint8_t)~value; return true;               // DBGCLAIMCLR_EL1
    case SYSREG(2, 0, 0, 0, 2): // OSDTRRX_EL1
    case SYSREG(2, 0, 0, 2, 0): // MDCCINT_EL1
    case SYSREG(2, 0, 0, 3, 2): // OSDTRTX_EL1
    case SYSREG(2, 0, 0, 6, 2): // OSECCR_EL1
    case SYSREG(2, 3, 0, 4, 0): // DBGDTR_EL0
    case SYSREG(2, 3, 0, 5, 0): // DBGDTRTX_EL0
    case SYSREG(2, 0, 1, 4, 4): return true; // DBGPRCR_EL1: the CPU's power is not the guest's
    default: return false;
    }
}

bool debug_access(struct debug_state *debug, uint32_t encoding, bool is_write, uint64_t *value)
{
    if ((encoding & ~SYSREG(0, 0, 0, 15, 7)) == SYSREG(2, 0, 0, 0, 0) && SYSREG_OP2(encoding) >= BREAK_VALUE)
        return comparator_access(encoding & SYSREG(0, 0, 0, 15, 7), is_write, value);
    if (!is_write)
        return debug_read(debug, encoding, value);
    if (!debug_write(debug, encoding, *value))
        return false;
    debug_load(debug);
    return true;
}
