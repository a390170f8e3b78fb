// SPDX-License-Identifier: MIT
// Debian's libfdt is compiled with -fstack-protector: its functions look at a value before they return, and call this
// when it is gone.
#include "boot/efi/firmware.h"

uintptr_t      __stack_chk_guard = UINT64_C(0xe5ca9ee47ba41a00);
_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void)
{
    firmware_say("a stack was written over", "libfdt");
    for (;;) {
    }
}
