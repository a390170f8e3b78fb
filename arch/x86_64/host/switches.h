// SPDX-License-Identifier: MIT
// The firmware's switches of virtualization: IA32_FEATURE_CONTROL (SDM 3C 23.7) and VM_CR (APM 2, 15.30.1). Pure.
#ifndef ARCH_X86_64_HOST_SWITCHES_H
#define ARCH_X86_64_HOST_SWITCHES_H

#include <stdint.h>

#define MSR_FEATURE_CONTROL    0x03au
#define FEATURE_CONTROL_LOCKED (UINT64_C(1) << 0)
#define FEATURE_CONTROL_VMX    (UINT64_C(1) << 2) // outside SMX
#define MSR_VM_CR              0xc0010114u
#define VM_CR_LOCK             (UINT64_C(1) << 3)
#define VM_CR_SVMDIS           (UINT64_C(1) << 4)

enum firmware_switch {
    SWITCH_ON,       // nothing is to be done
    SWITCH_OPEN,     // it can be turned on, and has to be
    SWITCH_LOCKED_OFF // until the firmware's setup says otherwise, and the power was off
};

// VMXON faults while the lock is open, whatever the other bits are.
static inline enum firmware_switch switch_of_feature_control(uint64_t feature_control)
{
    if ((feature_control & FEATURE_CONTROL_LOCKED) == 0)
        return SWITCH_OPEN;
    return (feature_control & FEATURE_CONTROL_VMX) != 0 ? SWITCH_ON : SWITCH_LOCKED_OFF;
}

static inline enum firmware_switch switch_of_vm_cr(uint64_t vm_cr)
{
    if ((vm_cr & VM_CR_SVMDIS) == 0)
        return SWITCH_ON;
    return (vm_cr & VM_CR_LOCK) != 0 ? SWITCH_LOCKED_OFF : SWITCH_OPEN;
}

#endif
