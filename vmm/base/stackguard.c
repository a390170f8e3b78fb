// SPDX-License-Identifier: MIT
// The value in each stack frame, and the panic of a function that finds another: see stackguard.h. The compiler names
// both symbols, and calls what fails at the end of the function that has written too far.
#include "vmm/base/stackguard.h"

#include "vmm/base/panic.h"

#define SPREAD     UINT64_C(0x9e3779b97f4a7c15) // odd, every other bit set: the counter's low bits reach the high ones
#define FIRST_BYTE UINT64_C(0xff)               // stays 0: what is copied as a text ends there

extern uintptr_t __stack_chk_guard;
_Noreturn void   __stack_chk_fail(void);

__attribute__((used)) uintptr_t __stack_chk_guard = UINT64_C(0xe5ca9ee47ba41a00); // until the boot has one of its own

void stackguard_make(uint64_t counter, uint64_t chance)
{
    __stack_chk_guard = (counter * SPREAD ^ chance) & ~FIRST_BYTE;
}

// The chain of frame pointers may be gone with the frame; who has called is sure.
__attribute__((used)) _Noreturn void __stack_chk_fail(void)
{
    struct panic_origin origin = { .ip = (uintptr_t)__builtin_return_address(0) - 1,
                                   .fp = *(const uintptr_t *)__builtin_frame_address(0) };
    panic_from(&origin, "the function in #0 has written past the end of an array on its stack");
}
