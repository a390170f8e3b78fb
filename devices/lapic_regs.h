// SPDX-License-Identifier: MIT
// The local APIC's registers by their xAPIC offset (SDM 3A table 11-1; MSR 0x800 + offset / 16 in x2APIC mode), their
// bits, and what lapic.c, lapic_regs.c, lapic_ipi.c and lapic_message.c offer each other. Nobody else includes this but
// tests.
#ifndef DEVICES_LAPIC_REGS_H
#define DEVICES_LAPIC_REGS_H

#include "devices/lapic.h"

enum {
    APIC_ID = 0x020,
    APIC_VERSION = 0x030,
    APIC_TPR = 0x080,
    APIC_APR = 0x090,
    APIC_PPR = 0x0a0,
    APIC_EOI = 0x0b0,
    APIC_RRD = 0x0c0,
    APIC_LDR = 0x0d0,
    APIC_DFR = 0x0e0,
    APIC_SVR = 0x0f0,
    APIC_ISR = 0x100,
    APIC_TMR = 0x180,
    APIC_IRR = 0x200,
    APIC_ESR = 0x280,
    APIC_ICR = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_THERMAL = 0x330,
    APIC_LVT_PERF = 0x340,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TMICT = 0x380,
    APIC_TMCCT = 0x390,
    APIC_TDCR = 0x3e0,
    APIC_SELF_IPI = 0x3f0,
};

#define X2APIC_MSR(offset)         (0x800u + ((uint32_t)(offset) >> 4))

// IA32_APIC_BASE
#define APIC_BASE_BSP              UINT64_C(0x100)
#define APIC_BASE_EN               UINT64_C(0x800)
#define APIC_BASE_ADDR             UINT64_C(0x000ffffffffff000)

// Version 0x14, highest LVT index 5 (no CMCI), no EOI-broadcast suppression.
#define APIC_VERSION_VALUE         0x00050014u

#define SVR_ENABLE                 0x100u

// ESR, SDM 3A 11.5.3
#define ESR_SEND_ILLEGAL_VECTOR    0x20u
#define ESR_RECEIVE_ILLEGAL_VECTOR 0x40u
#define ESR_ILLEGAL_REGISTER       0x80u

// Delivery mode of LVT and ICR, SDM 3A 11.5.1 and 11.6.1
#define DELIVERY_SHIFT             8
#define DELIVERY_MASK              7u

// ICR, SDM 3A figure 11-12
#define ICR_LOGICAL                0x00000800u
#define ICR_LEVEL_ASSERT           0x00004000u
#define ICR_TRIGGER_LEVEL          0x00008000u
#define ICR_SHORTHAND_SHIFT        18

static inline uint32_t delivery_of(uint32_t value)
{
    return (value >> DELIVERY_SHIFT) & DELIVERY_MASK;
}

static inline bool lapic_software_enabled(const struct lapic *lapic)
{
    return (lapic->svr & SVR_ENABLE) != 0;
}

// lapic.c
unsigned vector_set_highest(const struct vector_set *set); // the set must not be empty

// Does an interrupt with this vector wait for the CPU? An illegal one waits in the ESR: until that is written anew, the
// next one changes nothing.
bool lapic_vector_waiting(const struct lapic *lapic, unsigned vector);
void lapic_reset(struct lapic *lapic); // registers only; base, id and counters stay
void lapic_log_error(struct lapic *lapic, uint32_t esr_bits);
void lapic_end_of_interrupt(struct lapic *lapic);
uint32_t lapic_ppr(const struct lapic *lapic);

// lapic_ipi.c
void lapic_send_ipi(struct lapic *lapic); // what icr_low and icr_high say
void lapic_self_ipi(struct lapic *lapic, uint8_t vector);

// lapic_message.c
bool lapic_is_destination(const struct lapic *lapic, uint32_t destination, bool logical); // 32 bits in x2APIC mode
uint32_t lapic_x2apic_ldr(uint32_t id);

#endif
