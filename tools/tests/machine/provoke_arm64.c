// SPDX-License-Identifier: MIT
// What of provoke.c is arm64's: a guest whose translation tables are where the bus has nothing, asked about an address.
#include "arch/arm64/guest/guest.h"
#include "arch/arm64/vcpu.h"
#include "vmm/base/log.h"

#define NO_MEMORY   UINT64_C(0x7000000000)
#define TCR_39_BITS UINT64_C(0x580800019) // addresses of 39 bits by TTBR0_EL1 alone, of 48 bits in memory

void walk_nowhere(void);

__attribute__((noinline)) void walk_nowhere(void)
{
    sysreg_write(tcr_el1, TCR_39_BITS);
    sysreg_write(ttbr0_el1, NO_MEMORY);
    sysreg_write(sctlr_el1, UINT64_C(0x30d00801));
    arm64_isb();
    for (unsigned i = 0; i < 4; i++)
        log_line("provoke", "PAR %#lx", guest_probe(0x1000, (i & 1) != 0, (i & 2) != 0));
}
