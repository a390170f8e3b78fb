// SPDX-License-Identifier: MIT
// A time of day that stands, preloaded into a QEMU that counts instructions (tools/run --exact).
//
// QEMU's CPU keeps translations in a table that it makes smaller when a tenth of a second has passed on this computer's
// clock (accel/tcg/cputlb.c). A guest may change a page table and not say so, where all that a CPU can do with the old
// translation is to fault once more than it had to. Whether it does depends on what is still in the table, so on how
// busy the computer was: a Linux kernel executed 500 instructions more in one run of ten. With a clock that stands the
// table follows from what the guest does alone. What else asks it in a QEMU of tools/run only stamps messages.
#include <sys/time.h>

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    *time = (struct timeval){ .tv_sec = 1767225600 }; // 2026-01-01, as the host's own clock
    return 0;
}
