// SPDX-License-Identifier: MIT
// The I/O APIC (Intel 82093AA data sheet, order 290566; the EOI register is that of Intel's ICH, 12.5.5 of the ICH5
// data sheet). One page at 0xfec00000, 24 pins.
//
// The interrupt router sets pins with ioapic_set_pin() and passes on what the local APIC ends with ioapic_eoi(). After
// each of those and each access it takes the messages that are ready, until there is none: never more than one a pin.
// No time passes in this device.
//
// What the manuals leave open is decided here once:
//   edge on a masked pin       lost (82093AA, 3.2.4, Interrupt Mask); the mask withdraws one that waits to be sent
//   change of polarity         no edge: only the pin's own changes are
//   trigger mode               the bit counts for fixed and lowest priority; the other modes are edge triggered always
//   Remote IRR                 set when the message is sent; cleared by an EOI, and by the bit for edge trigger mode
//   SMI, INIT, reserved modes  the edge is taken and comes to nothing
//   width and place            aligned 32-bit accesses to the three registers; nobody answers any other
#ifndef DEVICES_IOAPIC_H
#define DEVICES_IOAPIC_H

#include "devices/apicmessage.h"
#include "devices/device.h"

#define IOAPIC_PINS 24

struct ioapic {
    uint64_t entry[IOAPIC_PINS]; // redirection table as it is read
    uint32_t lines;              // levels of the pins
    uint32_t ready;              // pins that have a message to send
    uint32_t id;                 // as the register has it, bits 27..24
    uint32_t select;             // IOREGSEL
};

// Every entry masked. The ID is what firmware leaves, 0..15; the pins have these levels.
void ioapic_init(struct ioapic *ioapic, unsigned id, uint32_t lines);

extern const struct device_ops ioapic_ops;

void ioapic_set_pin(struct ioapic *ioapic, unsigned pin, bool level);

// A local APIC has ended a level-triggered vector.
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

// The next message to be sent, if there is one.
bool ioapic_take_message(struct ioapic *ioapic, struct apic_message *message);

// What an interrupt on this pin would send; false: it is masked.
bool ioapic_pin_message(const struct ioapic *ioapic, unsigned pin, struct apic_message *message);

// Is the pin asserted by a low level, as it is programmed?
bool ioapic_pin_active_low(const struct ioapic *ioapic, unsigned pin);

// The last change of this pin was no edge: it does not count.
void ioapic_forget_edge(struct ioapic *ioapic, unsigned pin);

// A level-triggered message of this pin was sent and has not been ended: Remote IRR.
bool ioapic_pin_in_service(const struct ioapic *ioapic, unsigned pin);

#endif
