// SPDX-License-Identifier: MIT
// The firmware's ACPI tables as bytes (ACPI specification 6.4, chapter 5): how they are found from the RSDP, and their
// fields. Pure: reads through a window of memory it is given, checks every length and checksum.
#ifndef VMM_BASE_ACPI_TABLE_H
#define VMM_BASE_ACPI_TABLE_H

#include "vmm/base/memorywindow.h"

#define ACPI_HEADER_BYTES   36u
#define ACPI_RSDP_OLD_BYTES 20u // before ACPI 2.0
#define ACPI_RSDP_BYTES     36u

struct acpi_table {
    const uint8_t *bytes;
    uint32_t       size;
};

// The XSDT, or the RSDT.
struct acpi_root {
    struct acpi_table table;
    uint32_t          entry_bytes, count;
};

// Fields beyond the end of a table read as 0: older revisions are shorter.
uint64_t acpi_field(struct acpi_table table, uint32_t offset, uint32_t bytes);

bool acpi_is(struct acpi_table table, const char signature[4]);

// False: it is not wholly in the window, or its checksum is wrong.
bool acpi_load(const struct memory_window *memory, uint64_t address, struct acpi_table *out);

bool acpi_rsdp_is_good(const uint8_t *rsdp, uint32_t size);

// Follows an RSDP of `size` bytes. False: it is damaged, or neither XSDT nor RSDT can be read.
bool acpi_find_root(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, struct acpi_root *out);

// Table `index` of those that it names; false when that one is damaged.
bool acpi_root_table(const struct memory_window *memory, const struct acpi_root *root, uint32_t index,
                     struct acpi_table *out);

// One of a table's own structures, each of which begins with its type and its length, at *at, which moves on behind it.
// False: there is no further one, or it is cut short.
bool acpi_next_part(struct acpi_table table, uint32_t *at, struct acpi_table *out);

#endif
