// SPDX-License-Identifier: MIT
// Interrupt messages that reach a local APIC: whom a destination means (SDM 3A 11.6.2), and what a message does there.
// Called by lapic_ipi.c for the APIC's own messages and by the interrupt router for the IOAPIC's. Lowest priority among
// one is fixed.
#include "devices/lapic_regs.h"

// SDM 3A 11.12.10.2: cluster in the high half, one bit of sixteen in the low half.
uint32_t lapic_x2apic_ldr(uint32_t id)
{
    return ((id & 0xffff0u) << 12) | 1u << (id & 15);
}

// All ones are everybody: eight of them, in x2APIC mode 32 (SDM 3A 11.6.2.1, 11.12.10).
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
    // Flat: a bit for each of eight APICs. Cluster: a number of four bits, 15 for all, and a bit for each of four in
    // it.
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

bool lapic_is_destination(const struct lapic *lapic, uint32_t destination, bool logical)
{
    if (!logical)
        return physical_match(lapic, destination);
    return lapic_in_x2apic(lapic) ? x2apic_logical_match(lapic, destination) : xapic_logical_match(lapic, destination);
}

// The eight bits of a message name the same APICs in x2APIC mode: IDs below 255, the first eight of cluster 0, or all.
static bool hears(const struct lapic *lapic, const struct apic_message *message)
{
    uint32_t destination = message->destination;
    if (!(lapic->base & APIC_BASE_EN))
        return false;
    if (destination == 0xff && lapic_in_x2apic(lapic))
        destination = UINT32_MAX;
    return lapic_is_destination(lapic, destination, message->logical);
}

// SDM 3A 11.4.7.2: a software-disabled APIC still takes NMIs.
void lapic_receive(struct lapic *lapic, const struct apic_message *message)
{
    if (!hears(lapic, message))
        return;
    switch (message->delivery) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST: lapic_raise(lapic, message->vector, message->level); break;
    case DELIVERY_NMI: lapic->direct |= LAPIC_DIRECT_NMI; break;
    case DELIVERY_EXTINT:
        if (lapic_software_enabled(lapic))
            lapic->direct |= LAPIC_DIRECT_EXTINT;
        break;
    default: break;
    }
}

// The question without the deed: the board asks it of every line before a tick is spent on one that leads nowhere.
bool lapic_would_take(const struct lapic *lapic, const struct apic_message *message)
{
    if (!hears(lapic, message))
        return false;
    switch (message->delivery) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST:
    case DELIVERY_EXTINT: return lapic_software_enabled(lapic);
    case DELIVERY_NMI: return true;
    default: return false;
    }
}

bool lapic_is_waiting(const struct lapic *lapic, const struct apic_message *message)
{
    switch (message->delivery) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST: return lapic_vector_waiting(lapic, message->vector);
    case DELIVERY_NMI: return lapic->direct & LAPIC_DIRECT_NMI;
    case DELIVERY_EXTINT: return lapic->direct & LAPIC_DIRECT_EXTINT;
    default: return false;
    }
}
