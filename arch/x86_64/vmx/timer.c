// SPDX-License-Identifier: MIT
// The VMX-preemption timer's arithmetic: see vmx/timer.h.
#include "arch/x86_64/vmx/timer.h"

uint32_t vmx_timer_value(uint64_t entry, uint64_t cycles, unsigned rate)
{
    uint64_t step = UINT64_C(1) << rate;
    if (cycles > (uint64_t)UINT32_MAX << rate)
        return UINT32_MAX;
    uint64_t steps = ((entry & (step - 1)) + cycles + step - 1) >> rate;
    return steps > UINT32_MAX ? UINT32_MAX : (uint32_t)steps;
}

// Intel's specification updates: "VMX-Preemption Timer Does Not Count Down at the Rate Specified". One number a family,
// model and stepping, for all products made of it.
static const uint32_t broken[] = {
    0x106a0, // Xeon 3500 C0                     AAM126
    0x106a1, // Xeon 3500 C1                     AAM126
    0x106a4, // Core i7-900 C0                   AAJ124
    0x106a5, // Core i7-900, Xeon 3500, 5500 D0  AAJ124, AAM126, AAK139
    0x106e5, // Core i7-800, i5-700, Xeon 3400 B1  AAN92, AAP86, AAO95
    0x20652, // Core i5-600, i3-500, Xeon L3406 C2  AAU65, AAT59, AAX65
    0x20655, // Core i5-600, i3-500 K0           AAU65
    0x206e6, // Xeon 7500 D0                     BA86
    0x306a8, // Xeon E3-1220 v2: on KVM's list, without an erratum's name
};

bool vmx_timer_broken(uint32_t signature)
{
    uint32_t known = signature & UINT32_C(0x0fff3fff); // without the reserved bits
    for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        if (known == broken[i])
            return true;
    }
    return false;
}
