// SPDX-License-Identifier: MIT
// RSDP, then XSDT or RSDT, then the tables that it names: see acpi_table.h. Called by arch/x86_64/host/acpi.c and by
// boot/efi/arm64/acpi_board.c, which know what is in them. Never trusts a length.
#include "vmm/base/acpi_table.h"

#include <string.h>

#define TABLE_BYTES_MAX (1u << 20)
#define TABLES_MAX      256u

uint64_t acpi_field(struct acpi_table table, uint32_t offset, uint32_t bytes)
{
    uint64_t value = 0;
    if (offset <= table.size && bytes <= table.size - offset)
        memcpy(&value, table.bytes + offset, bytes);
    return value;
}

bool acpi_is(struct acpi_table table, const char signature[4])
{
    return memcmp(table.bytes, signature, 4) == 0;
}

static bool sums_to_zero(const uint8_t *bytes, uint32_t size)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

bool acpi_load(const struct memory_window *memory, uint64_t address, struct acpi_table *out)
{
    const uint8_t *header = window_view(memory, address, ACPI_HEADER_BYTES);
    if (header == NULL)
        return false;
    uint32_t size = (uint32_t)acpi_field((struct acpi_table){ header, ACPI_HEADER_BYTES }, 4, 4);
    if (size < ACPI_HEADER_BYTES || size > TABLE_BYTES_MAX || window_view(memory, address, size) == NULL)
        return false;
    *out = (struct acpi_table){ header, size };
    return sums_to_zero(header, size);
}

bool acpi_rsdp_is_good(const uint8_t *rsdp, uint32_t size)
{
    return size >= ACPI_RSDP_OLD_BYTES && memcmp(rsdp, "RSD PTR ", 8) == 0 && sums_to_zero(rsdp, ACPI_RSDP_OLD_BYTES);
}

bool acpi_find_root(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, struct acpi_root *out)
{
    if (!acpi_rsdp_is_good(rsdp, size))
        return false;
    struct acpi_table pointer = { rsdp, size };
    bool extended = rsdp[15] >= 2 && size >= ACPI_RSDP_BYTES && sums_to_zero(rsdp, ACPI_RSDP_BYTES);
    out->entry_bytes = 8;
    if (!extended || !acpi_load(memory, acpi_field(pointer, 24, 8), &out->table) || !acpi_is(out->table, "XSDT")) {
        out->entry_bytes = 4;
        if (!acpi_load(memory, acpi_field(pointer, 16, 4), &out->table) || !acpi_is(out->table, "RSDT"))
            return false;
    }
    out->count = (out->table.size - ACPI_HEADER_BYTES) / out->entry_bytes;
    if (out->count > TABLES_MAX)
        out->count = TABLES_MAX;
    return true;
}

bool acpi_root_table(const struct memory_window *memory, const struct acpi_root *root, uint32_t index,
                     struct acpi_table *out)
{
    uint32_t at = ACPI_HEADER_BYTES + index * root->entry_bytes;
    return acpi_load(memory, acpi_field(root->table, at, root->entry_bytes), out);
}

bool acpi_next_part(struct acpi_table table, uint32_t *at, struct acpi_table *out)
{
    if (*at > table.size || table.size - *at < 2)
        return false;
    uint32_t size = table.bytes[*at + 1];
    if (size < 2 || size > table.size - *at)
        return false;
    *out = (struct acpi_table){ table.bytes + *at, size };
    *at += size;
    return true;
}
