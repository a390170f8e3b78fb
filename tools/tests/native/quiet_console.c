// SPDX-License-Identifier: MIT
// What stands around a board in tests of it alone: a console that nobody listens to and nobody types at, a CPU whose
// interrupt flag is set.
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
