// SPDX-License-Identifier: MIT
// The host CPU's own local APIC, in x2APIC mode where the CPU has it, else memory-mapped; and the 8259 pair, silenced.
#ifndef ARCH_X86_64_HOST_APIC_H
#define ARCH_X86_64_HOST_APIC_H

#include "arch/x86_64/host/idt.h" // host_irqs_take()

// Register offsets in xAPIC mode, SDM 3A table 10-1.
enum apic_register {
    APIC_ID = 0x20,
    APIC_VERSION = 0x30,
    APIC_TASK_PRIORITY = 0x80,
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_IN_SERVICE = 0x100, // eight registers, 0x10 apart
    APIC_ERROR_STATUS = 0x280,
    APIC_COMMAND = 0x300, // low word; writing it sends
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_THERMAL = 0x330,
    APIC_LVT_COUNTERS = 0x340,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

#define APIC_COMMAND_SELF (1u << 18) // shorthand: to this APIC alone, SDM 3A 11.6.1

void     hostapic_init(void);
void     hostapic_eoi(void);
uint32_t hostapic_read(enum apic_register reg);
void     hostapic_write(enum apic_register reg, uint32_t value);

// Address of a register in xAPIC mode, null in x2APIC mode.
volatile uint32_t *hostapic_mmio(enum apic_register reg);

#endif
