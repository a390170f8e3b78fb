// SPDX-License-Identifier: MIT
// A second model of the I/O APIC: every field of an entry is a variable of its own, and what is sent is found by
// looking at all pins each time. test_ioapic.c holds devices/ioapic.c against it.
#ifndef TOOLS_TESTS_NATIVE_IOAPIC_REFERENCE_H
#define TOOLS_TESTS_NATIVE_IOAPIC_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

struct ref_ioapic_message {
    unsigned vector, mode, destination;
    bool logical, level;
};

void ref_ioapic_start(uint32_t lines);
void ref_ioapic_pin(unsigned pin, bool level);
void ref_ioapic_eoi(unsigned vector);
void ref_ioapic_select(unsigned index);
void ref_ioapic_write(uint32_t value);
uint32_t ref_ioapic_read(void);
bool ref_ioapic_send(struct ref_ioapic_message *message); // the lowest pin first

#endif
