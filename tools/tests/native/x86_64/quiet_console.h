// SPDX-License-Identifier: MIT
// What stands around a board in tests of it alone: a console that nobody listens to and nobody types at, a CPU whose
// interrupt flag is set. Included by the test itself, whose functions come before the monitor's.
#ifndef TOOLS_TESTS_NATIVE_X86_64_QUIET_CONSOLE_H
#define TOOLS_TESTS_NATIVE_X86_64_QUIET_CONSOLE_H

#include "arch/arch.h"
#include "vmm/vm.h"

bool arch_vcpu_can_wake(const struct vcpu *vcpu)
{
    (void)vcpu;
    return true;
}

void console_put(struct vm *of, uint8_t byte)
{
    (void)of, (void)byte;
}

void console_poll(struct vm *of)
{
    (void)of;
}

#endif
