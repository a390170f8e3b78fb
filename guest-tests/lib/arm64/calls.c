// SPDX-License-Identifier: MIT
// Firmware and hypervisor calls that survive a machine on which the instruction is undefined.
#include "guest-tests/lib/guest.h"

static bool by_smc;

static void make(uint64_t registers)
{
    if (by_smc)
        smccc_smc((struct smccc *)registers);
    else
        smccc_hvc((struct smccc *)registers);
}

bool smccc_by(bool smc, struct smccc *registers)
{
    by_smc = smc;
    return catch_trap(make, (uint64_t)registers).class == CLASS_NONE;
}

uint64_t firmware_call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    struct smccc registers = { { function, x1, x2, x3 } };
    return smccc_by(board.psci_smc, &registers) ? registers.x[0] : NOT_SUPPORTED;
}

uint64_t oracle(uint32_t question, uint64_t argument)
{
    struct smccc registers = { { ORACLE_CALL + question, argument } };
    smccc_hvc(&registers);
    return registers.x[0];
}
