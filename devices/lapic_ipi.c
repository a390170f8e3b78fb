// SPDX-License-Identifier: MIT
// Interrupt messages that the guest sends: ICR and SELF IPI (SDM 3A 11.6). Called by lapic_regs.c after a register
// write. There is one APIC: a message reaches its sender or nobody, and who asked for nobody is counted. INIT, SIPI and
// SMI have no receiver here, whatever their destination.
#include "devices/lapic_regs.h"

enum shorthand { SHORTHAND_NONE, SHORTHAND_SELF, SHORTHAND_ALL, SHORTHAND_OTHERS };

// SDM 3A 11.12.10.2: cluster in the high half, one bit of sixteen in the low half.
uint32_t lapic_x2apic_ldr(uint32_t id)
{
    return ((id & 0xffff0u) << 12) | 1u << (id & 15);
}

static bool physical_match(const struct lapic *lapic, uint32_t destination)
{
    if (lapic_in_x2apic(lapic))
        return destination == UINT32_MAX || destination == lapic->id;
    return destination == 0xff || destination == (lapic->id & 0xff);
}

// SDM 3A 11.6.2.2. DFR models other than flat (0xf) and cluster (0x0) are undefined: such an APIC hears nothing.
static bool xapic_logical_match(const struct lapic *lapic, uint32_t destination)
{
    uint32_t own = lapic->ldr >> 24;
    if (destination == 0xff)
        return true;
    switch (lapic->dfr >> 28) {
    case 0xf: return (destination & own) != 0;
    case 0x0: return ((destination >> 4) == (own >> 4) || (destination >> 4) == 0xf) && (destination & own & 0x0f) != 0;
    default: return false;
    }
}

static bool x2apic_logical_match(const struct lapic *lapic, uint32_t destination)
{
    uint32_t own = lapic_x2apic_ldr(lapic->id);
    return destination == UINT32_MAX || ((destination >> 16) == (own >> 16) && (destination & own & 0xffff) != 0);
}

static bool reaches_self(const struct lapic *lapic)
{
    bool x2apic = lapic_in_x2apic(lapic);
    uint32_t destination = x2apic ? lapic->icr_high : lapic->icr_high >> 24;

    switch ((enum shorthand)((lapic->icr_low >> ICR_SHORTHAND_SHIFT) & 3)) {
    case SHORTHAND_NONE: break;
    case SHORTHAND_SELF: return true;
    case SHORTHAND_ALL: return true;
    case SHORTHAND_OTHERS: return false;
    }
    if (!(lapic->icr_low & ICR_LOGICAL))
        return physical_match(lapic, destination);
    return x2apic ? x2apic_logical_match(lapic, destination) : xapic_logical_match(lapic, destination);
}

void lapic_send_ipi(struct lapic *lapic)
{
    uint32_t mode = delivery_of(lapic->icr_low), vector = lapic->icr_low & 0xff;
    bool fixed = mode == DELIVERY_FIXED || mode == DELIVERY_LOWEST;

    if (fixed && vector < 16) {
        lapic_log_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
        return;
    }
    // INIT level de-assert only synchronised the arbitration IDs of old parts (SDM 3A 11.6.1).
    if (mode == DELIVERY_INIT && (lapic->icr_low & (ICR_LEVEL_ASSERT | ICR_TRIGGER_LEVEL)) == ICR_TRIGGER_LEVEL)
        return;

    lapic->ipis++;
    if (fixed && reaches_self(lapic))
        lapic_raise(lapic, vector, false); // the trigger mode bit is INIT's alone
    else if (mode == DELIVERY_NMI && reaches_self(lapic))
        lapic->nmi_pending = 1;
    else
        lapic->ipis_to_nobody++;
}

void lapic_self_ipi(struct lapic *lapic, uint8_t vector)
{
    if (vector < 16) {
        lapic_log_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
        return;
    }
    lapic->ipis++;
    lapic_raise(lapic, vector, false);
}
