// SPDX-License-Identifier: MIT
// Interrupt messages that the guest sends: ICR and SELF IPI (SDM 3A 11.6). Called by lapic_regs.c after a register
// write. There is one APIC: a message reaches its sender or nobody, and who asked for nobody is counted. INIT, SIPI and
// SMI have no receiver here, whatever their destination.
#include "devices/lapic_regs.h"

enum shorthand { SHORTHAND_NONE, SHORTHAND_SELF, SHORTHAND_ALL, SHORTHAND_OTHERS };

// The destination is the top byte of ICR's upper half, in x2APIC mode all of it (SDM 3A 11.12.9). A shorthand goes
// before it (11.6.1).
static bool reaches_self(const struct lapic *lapic)
{
    uint32_t destination = lapic_in_x2apic(lapic) ? lapic->icr_high : lapic->icr_high >> 24;

    switch ((enum shorthand)((lapic->icr_low >> ICR_SHORTHAND_SHIFT) & 3)) {
    case SHORTHAND_NONE: break;
    case SHORTHAND_SELF: return true;
    case SHORTHAND_ALL: return true;
    case SHORTHAND_OTHERS: return false;
    }
    return lapic_is_destination(lapic, destination, lapic->icr_low & ICR_LOGICAL);
}

void lapic_send_ipi(struct lapic *lapic)
{
    uint32_t mode = delivery_of(lapic->icr_low), vector = lapic->icr_low & 0xff;
    bool fixed = mode == DELIVERY_FIXED || mode == DELIVERY_LOWEST;

    // 11.5.2: vectors 0 to 15 are illegal, which the sender's ESR says. NMI and the others have no use for a vector.
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
        lapic->direct |= LAPIC_DIRECT_NMI;
    else
        lapic->ipis_to_nobody++;
}

// 11.12.11: always fixed, edge-triggered, and for the sender alone.
void lapic_self_ipi(struct lapic *lapic, uint8_t vector)
{
    if (vector < 16) {
        lapic_log_error(lapic, ESR_SEND_ILLEGAL_VECTOR);
        return;
    }
    lapic->ipis++;
    lapic_raise(lapic, vector, false);
}
