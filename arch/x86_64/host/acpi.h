// SPDX-License-Identifier: MIT
// The few facts the monitor wants from the host's ACPI tables (ACPI specification 6.4, chapter 5). Pure: reads
// through a window of memory it is given, checks every length and checksum, and treats a damaged table as absent.
#ifndef ARCH_X86_64_HOST_ACPI_H
#define ARCH_X86_64_HOST_ACPI_H

#include "vmm/base/memorywindow.h"

#define ACPI_CPUS_MAX    16
#define ACPI_IOAPICS_MAX 8

// What the tables are found by, as a boot loader gives it (5.2.5.3).
struct acpi_rsdp {
    uint8_t  bytes[36];
    uint32_t size; // 20 or 36; 0: none was given
};

struct acpi_cpu {
    uint32_t apic_id;
    bool     enabled;
};

// What was not found is 0.
struct acpi_info {
    uint32_t        tables, bad_tables; // good ones used, damaged ones skipped
    uint64_t        lapic_address;
    uint64_t        hpet_address;
    uint16_t        pm_timer_port;
    uint16_t        pm1a_control, pm1b_control;
    bool            pm_timer_32bit;
    uint8_t         rtc_century; // index in the RTC's memory
    uint8_t         s5_type_a, s5_type_b; // SLP_TYP values of the power-off state
    uint32_t        cpu_count, ioapic_count;
    struct acpi_cpu cpus[ACPI_CPUS_MAX];
    uint64_t        ioapics[ACPI_IOAPICS_MAX]; // addresses
};

// Searches where ACPI 5.2.5.1 says: first KiB of the EBDA, then E0000h..FFFFFh. 0: none.
uint64_t acpi_find_rsdp(const struct memory_window *memory);

// Follows an RSDP of `size` bytes. False: it is damaged, or neither XSDT nor RSDT can be read; *out is then all 0.
bool acpi_parse(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, struct acpi_info *out);

#endif
