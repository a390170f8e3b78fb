// SPDX-License-Identifier: MIT
// An interrupt message between APICs, as the IOAPIC sends it (82093AA, 3.2.4; MSIs have the same fields). What the
// destination means depends on its receiver: devices/lapic_message.c.
#ifndef DEVICES_APICMESSAGE_H
#define DEVICES_APICMESSAGE_H

#include <stdbool.h>
#include <stdint.h>

// Delivery modes of redirection entries, LVT and ICR. 3 and 6 are reserved here, SMI and INIT have no receiver.
#define DELIVERY_FIXED  0u
#define DELIVERY_LOWEST 1u
#define DELIVERY_NMI    4u
#define DELIVERY_INIT   5u
#define DELIVERY_EXTINT 7u // the vector comes from the 8259, by an acknowledge cycle

struct apic_message {
    uint8_t vector;
    uint8_t delivery;    // DELIVERY_...
    uint8_t destination; // an APIC ID, or a set of logical ones
    bool logical;
    bool level; // ends with an EOI that the sender hears
};

#endif
