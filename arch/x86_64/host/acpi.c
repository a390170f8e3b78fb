// SPDX-License-Identifier: MIT
// ACPI tables of the host: RSDP, XSDT or RSDT, then MADT, FADT, HPET, and S5 out of the DSDT. Pure, see acpi.h;
// called by acpi_host.c with the host's memory and by the native tests with damaged tables. Never trusts a length.
#include "arch/x86_64/host/acpi.h"

#include <string.h>

#define HEADER_BYTES    36u
#define TABLE_BYTES_MAX (1u << 20)
#define TABLES_MAX      256u

struct table {
    const uint8_t *bytes;
    uint32_t size;
};

// Fields beyond the end of a table read as 0: older revisions are shorter.
static uint64_t field(struct table table, uint32_t offset, uint32_t bytes)
{
    uint64_t value = 0;
    if (offset <= table.size && bytes <= table.size - offset)
        memcpy(&value, table.bytes + offset, bytes);
    return value;
}

static bool sums_to_zero(const uint8_t *bytes, uint32_t size)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

static bool load_table(const struct memory_window *memory, uint64_t address, struct table *out)
{
    const uint8_t *header = window_view(memory, address, HEADER_BYTES);
    if (header == NULL)
        return false;
    uint32_t size = (uint32_t)field((struct table){ header, HEADER_BYTES }, 4, 4);
    if (size < HEADER_BYTES || size > TABLE_BYTES_MAX || window_view(memory, address, size) == NULL)
        return false;
    *out = (struct table){ header, size };
    return sums_to_zero(header, size);
}

static bool rsdp_is_good(const uint8_t *rsdp, uint32_t size)
{
    return size >= 20 && memcmp(rsdp, "RSD PTR ", 8) == 0 && sums_to_zero(rsdp, 20);
}

static uint64_t scan_for_rsdp(const struct memory_window *memory, uint64_t start, uint64_t end)
{
    for (uint64_t at = (start + 15) & ~UINT64_C(15); at + 20 <= end; at += 16) {
        const uint8_t *bytes = window_view(memory, at, 20);
        if (bytes != NULL && rsdp_is_good(bytes, 20))
            return at;
    }
    return 0;
}

uint64_t acpi_find_rsdp(const struct memory_window *memory)
{
    const uint8_t *segment = window_view(memory, 0x40e, 2); // BIOS data area: segment of the EBDA
    uint64_t ebda = segment != NULL ? (uint64_t)(segment[0] | segment[1] << 8) << 4 : 0;
    uint64_t found = ebda >= 0x400 && ebda < 0xa0000 ? scan_for_rsdp(memory, ebda, ebda + 1024) : 0;
    return found != 0 ? found : scan_for_rsdp(memory, 0xe0000, 0x100000);
}

static void add_cpu(struct acpi_info *out, uint32_t apic_id, uint32_t flags)
{
    if ((flags & 3) == 0) // neither enabled nor possible later (5.2.12.2)
        return;
    if (out->cpu_count < ACPI_CPUS_MAX)
        out->cpus[out->cpu_count++] = (struct acpi_cpu){ apic_id, (flags & 1) != 0 };
}

// 5.2.12.2 .. 5.2.12.12: one interrupt controller structure.
static void parse_madt_entry(struct table e, struct acpi_info *out)
{
    switch (e.bytes[0]) {
    case 0: add_cpu(out, e.size >= 8 ? e.bytes[3] : 0, (uint32_t)field(e, 4, 4)); break;
    case 9: add_cpu(out, (uint32_t)field(e, 4, 4), (uint32_t)field(e, 8, 4)); break;
    case 5:
        if (field(e, 4, 8) != 0)
            out->lapic_address = field(e, 4, 8);
        break;
    case 1:
        if (e.size >= 12 && out->ioapic_count < ACPI_IOAPICS_MAX)
            out->ioapics[out->ioapic_count++] = field(e, 4, 4);
        break;
    default: break;
    }
}

static void parse_madt(struct table madt, struct acpi_info *out)
{
    out->lapic_address = field(madt, 36, 4);
    for (uint32_t at = 44; at <= madt.size && madt.size - at >= 2;) {
        uint32_t size = madt.bytes[at + 1];
        if (size < 2 || size > madt.size - at)
            return;
        parse_madt_entry((struct table){ madt.bytes + at, size }, out);
        at += size;
    }
}

// A register block: the 32-bit field, else the generic address when it names an I/O port (5.2.3.2, space 1).
static uint16_t fadt_port(struct table fadt, uint32_t old_offset, uint32_t generic_offset)
{
    uint64_t port = field(fadt, old_offset, 4);
    if (port == 0 && field(fadt, generic_offset, 1) == 1)
        port = field(fadt, generic_offset + 4, 8);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

// One small integer of AML: ZeroOp, OneOp or BytePrefix (20.2.3). Returns the offset behind it, 0 when it is none.
static uint32_t aml_byte(struct table dsdt, uint32_t at, uint8_t *value)
{
    if (at >= dsdt.size)
        return 0;
    if (dsdt.bytes[at] <= 1) {
        *value = dsdt.bytes[at];
        return at + 1;
    }
    if (dsdt.bytes[at] != 0x0a || dsdt.size - at < 2)
        return 0;
    *value = dsdt.bytes[at + 1];
    return at + 2;
}

// Name (\_S5_, Package () { type_a, type_b, ... }), found by its bytes: NameOp, name, PackageOp, length, count, values.
static void parse_s5(struct table dsdt, struct acpi_info *out)
{
    for (uint32_t at = HEADER_BYTES; dsdt.size - at >= 8; at++) {
        if (dsdt.bytes[at] != '_' || memcmp(dsdt.bytes + at, "_S5_\x12", 5) != 0)
            continue;
        uint32_t values = at + 5 + 1 + (dsdt.bytes[at + 5] >> 6) + 1; // PkgLength may take more bytes; NumElements
        uint8_t type_a = 0, type_b = 0;
        uint32_t next = aml_byte(dsdt, values, &type_a);
        if (next == 0 || aml_byte(dsdt, next, &type_b) == 0)
            continue;
        out->s5_type_a = type_a & 7;
        out->s5_type_b = type_b & 7;
        return;
    }
}

static void parse_fadt(const struct memory_window *memory, struct table fadt, struct acpi_info *out)
{
    out->pm_timer_port = fadt_port(fadt, 76, 208);
    out->pm_timer_32bit = (field(fadt, 112, 4) & 1 << 8) != 0; // TMR_VAL_EXT
    out->pm1a_control = fadt_port(fadt, 64, 172);
    out->pm1b_control = fadt_port(fadt, 68, 184);
    out->rtc_century = field(fadt, 108, 1) < 128 ? (uint8_t)field(fadt, 108, 1) : 0;
    struct table dsdt;
    uint64_t address = field(fadt, 140, 8) != 0 ? field(fadt, 140, 8) : field(fadt, 40, 4);
    if (load_table(memory, address, &dsdt) && memcmp(dsdt.bytes, "DSDT", 4) == 0)
        parse_s5(dsdt, out);
    else
        out->bad_tables++;
}

static void parse_table(const struct memory_window *memory, uint64_t address, struct acpi_info *out)
{
    struct table table;
    if (!load_table(memory, address, &table)) {
        out->bad_tables++;
        return;
    }
    out->tables++;
    if (memcmp(table.bytes, "APIC", 4) == 0 && out->cpu_count == 0)
        parse_madt(table, out);
    else if (memcmp(table.bytes, "FACP", 4) == 0)
        parse_fadt(memory, table, out);
    else if (memcmp(table.bytes, "HPET", 4) == 0 && field(table, 40, 1) == 0) // registers in memory space
        out->hpet_address = field(table, 44, 8);
}

bool acpi_parse(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, struct acpi_info *out)
{
    memset(out, 0, sizeof(*out));
    if (!rsdp_is_good(rsdp, size))
        return false;
    struct table pointer = { rsdp, size }, root;
    uint32_t entry_bytes = 8;
    bool extended = rsdp[15] >= 2 && size >= 36 && sums_to_zero(rsdp, 36);
    if (!extended || !load_table(memory, field(pointer, 24, 8), &root) || memcmp(root.bytes, "XSDT", 4) != 0) {
        entry_bytes = 4;
        if (!load_table(memory, field(pointer, 16, 4), &root) || memcmp(root.bytes, "RSDT", 4) != 0)
            return false;
    }
    uint32_t entries = (root.size - HEADER_BYTES) / entry_bytes;
    for (uint32_t i = 0; i < entries && i < TABLES_MAX; i++)
        parse_table(memory, field(root, HEADER_BYTES + i * entry_bytes, entry_bytes), out);
    return true;
}
