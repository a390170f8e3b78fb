// SPDX-License-Identifier: MIT
// What the tables in the guest's BIOS area share: little-endian fields, checksums, the addresses and interrupts that
// they name. Nobody outside vmm/pc includes this.
#ifndef VMM_PC_TABLES_H
#define VMM_PC_TABLES_H

#include <string.h>
#include "vmm/base/types.h"

#define GUEST_LAPIC_ADDRESS  0xfee00000u
#define GUEST_IOAPIC_ADDRESS 0xfec00000u
#define GUEST_HPET_ADDRESS   0xfed00000u
#define GUEST_SCI_INTERRUPT  9
#define GUEST_PIT_INPUT      2 // the PIT's interrupt 0 is on this input of the IOAPIC, as on every PC
#define GUEST_CPUS_MAX       254 // xAPIC ids: 255 is the broadcast, and the IOAPIC has one too

// Polarity and trigger of an interrupt, the same bits in ACPI (5.2.12.5) and the MP specification (4.3.4).
#define INTERRUPT_AS_BUS     0x0
#define INTERRUPT_LEVEL_HIGH 0xd

#define GUEST_DSDT_BYTES     183
extern const uint8_t guest_dsdt_body[GUEST_DSDT_BYTES];

static inline void put16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

// The byte that makes the sum of all of them 0.
static inline uint8_t checksum(const uint8_t *bytes, uint32_t count)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return (uint8_t)(0 - sum);
}

#endif
