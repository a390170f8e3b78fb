// SPDX-License-Identifier: MIT
// A second model of the I/O APIC: every field of an entry is a variable of its own, and what is sent is found by
// looking at all pins each time. test_ioapic.c holds devices/ioapic.c against it.
#ifndef TOOLS_TESTS_NATIVE_IOAPIC_REFERENCE_H
#define TOOLS_TESTS_NATIVE_IOAPIC_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

struct model_message {
    unsigned vector, mode, destination;
    bool logical, level;
};

void model_start(uint32_t lines);
void model_pin(unsigned pin, bool level);
void model_eoi(unsigned vector);
void model_select(unsigned index);
void model_write(uint32_t value);
uint32_t model_read(void);
bool model_send(struct model_message *message); // the lowest pin first

#endif
