// SPDX-License-Identifier: MIT
// PSCI 1.1 for a guest with one CPU (Arm DEN0022 issue D; sections are its chapter 5). What a function of the 32-bit
// form takes are the low halves of the registers.
#include "arch/arm64/guest/psci.h"

#include "arch/arm64/guest/guest.h"

#define CALL64 0x40000000u // set in the 64-bit form of a function

enum psci_error {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
};

#define NO_TRUSTED_OS        2u          // MIGRATE_INFO_TYPE: nothing to migrate
#define AFFINITY_ON          0u          // AFFINITY_INFO
#define POWER_STATE_ID       0xffffu
#define RESET_WARM           0u          // SYSTEM_RESET2
#define RESET_OF_VENDOR      (1u << 31)
#define AFFINITY_BITS        UINT64_C(0xff00ffffff)

// Which functions have a 64-bit form, too.
static bool has_form64(uint32_t function)
{
    return function == PSCI_CPU_SUSPEND || function == PSCI_CPU_ON || function == PSCI_AFFINITY_INFO ||
           function == PSCI_SYSTEM_RESET2;
}

// 5.16: no function has a flag set: CPU_SUSPEND takes the original format and no operating system initiates more.
static int features(uint32_t function)
{
    if (function == SMCCC_VERSION)
        return PSCI_SUCCESS;
    if ((function & CALL64) != 0)
        return has_form64(function & ~CALL64) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    switch (function) {
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case PSCI_SYSTEM_RESET2: return PSCI_SUCCESS;
    default: return PSCI_NOT_SUPPORTED;
    }
}

// 5.4: the board's device tree names no idle states. Standby of the CPU, which keeps everything, is what WFI is; a
// state that powers something down, or of a level above the CPU, is not one that this platform has.
static int cpu_suspend(struct vcpu *vcpu, uint32_t power_state)
{
    if ((power_state & ~POWER_STATE_ID) != 0)
        return PSCI_INVALID_PARAMETERS;
    arch_vcpu_halt(vcpu, 0);
    return PSCI_SUCCESS;
}

// 5.6: this CPU is on, and there is no other.
static int cpu_on(const struct vcpu *vcpu, uint64_t target)
{
    return target == vcpu->index ? PSCI_ALREADY_ON : PSCI_INVALID_PARAMETERS;
}

// 5.7: fields of the target below the level are ignored.
static int affinity_info(const struct vcpu *vcpu, uint64_t target, uint64_t level)
{
    static const uint64_t compared[] = { AFFINITY_BITS, UINT64_C(0xff00ffff00), UINT64_C(0xff00ff0000),
                                         UINT64_C(0xff00000000) };
    if (level > 3 || (target & ~AFFINITY_BITS) != 0 || ((target ^ vcpu->index) & compared[level]) != 0)
        return PSCI_INVALID_PARAMETERS;
    return AFFINITY_ON;
}

// 5.11: a reset that keeps memory is a reset here: the VM ends.
static int system_reset2(struct vm *vm, uint32_t type)
{
    if (type != RESET_WARM)
        return (type & RESET_OF_VENDOR) != 0 ? PSCI_NOT_SUPPORTED : PSCI_INVALID_PARAMETERS;
    machine_reset(vm);
    return PSCI_SUCCESS;
}

// Without PSCI_VERSION, which smccc_plain_call() answers.
static int function_of(struct vcpu *vcpu, uint32_t function, uint64_t argument1, uint64_t argument2)
{
    switch (function) {
    case PSCI_CPU_SUSPEND: return cpu_suspend(vcpu, (uint32_t)argument1);
    case PSCI_CPU_OFF: return PSCI_DENIED; // nobody could turn it on again
    case PSCI_CPU_ON: return cpu_on(vcpu, argument1);
    case PSCI_AFFINITY_INFO: return affinity_info(vcpu, argument1, argument2);
    case PSCI_MIGRATE_INFO_TYPE: return NO_TRUSTED_OS;
    case PSCI_SYSTEM_OFF: machine_power_off(vcpu->vm); return PSCI_SUCCESS;
    case PSCI_SYSTEM_RESET: machine_reset(vcpu->vm); return PSCI_SUCCESS;
    case PSCI_FEATURES: return features((uint32_t)argument1);
    case PSCI_SYSTEM_RESET2: return system_reset2(vcpu->vm, (uint32_t)argument1);
    default: return PSCI_NOT_SUPPORTED;
    }
}

uint64_t psci_call(struct vcpu *vcpu, const uint64_t x[])
{
    uint32_t function = (uint32_t)x[0];
    int result = PSCI_NOT_SUPPORTED;
    if ((function & CALL64) == 0)
        result = function_of(vcpu, function, (uint32_t)x[1], (uint32_t)x[2]);
    else if (has_form64(function & ~CALL64))
        result = function_of(vcpu, function & ~CALL64, x[1], x[2]);
    return (uint64_t)(int64_t)result;
}
