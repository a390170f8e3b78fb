// SPDX-License-Identifier: MIT
// ACPI tables of the host: MADT, FADT, HPET, and S5 out of the DSDT. Pure, see acpi.h; called by acpi_host.c with the
// host's memory and by the native tests with damaged tables. vmm/base/acpi_table.c finds them and checks them.
#include "arch/x86_64/host/acpi.h"

#include <string.h>

#include "vmm/base/acpi_table.h"

static uint64_t scan_for_rsdp(const struct memory_window *memory, uint64_t start, uint64_t end)
{
    for (uint64_t at = (start + 15) & ~UINT64_C(15); at + 20 <= end; at += 16) {
        const uint8_t *bytes = window_view(memory, at, 20);
        if (bytes != NULL && acpi_rsdp_is_good(bytes, 20))
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
static void parse_madt_entry(struct acpi_table e, struct acpi_info *out)
{
    switch (e.bytes[0]) {
    case 0: add_cpu(out, e.size >= 8 ? e.bytes[3] : 0, (uint32_t)acpi_field(e, 4, 4)); break;
    case 9: add_cpu(out, (uint32_t)acpi_field(e, 4, 4), (uint32_t)acpi_field(e, 8, 4)); break;
    case 5:
        if (acpi_field(e, 4, 8) != 0)
            out->lapic_address = acpi_field(e, 4, 8);
        break;
    case 1:
        if (e.size >= 12 && out->ioapic_count < ACPI_IOAPICS_MAX)
            out->ioapics[out->ioapic_count++] = acpi_field(e, 4, 4);
        break;
    default: break;
    }
}

static void parse_madt(struct acpi_table madt, struct acpi_info *out)
{
    out->lapic_address = acpi_field(madt, 36, 4);
    struct acpi_table entry;
    for (uint32_t at = 44; acpi_next_part(madt, &at, &entry);)
        parse_madt_entry(entry, out);
}

// A register block: the 32-bit field, else the generic address when it names an I/O port (5.2.3.2, space 1).
static uint16_t fadt_port(struct acpi_table fadt, uint32_t old_offset, uint32_t generic_offset)
{
    uint64_t port = acpi_field(fadt, old_offset, 4);
    if (port == 0 && acpi_field(fadt, generic_offset, 1) == 1)
        port = acpi_field(fadt, generic_offset + 4, 8);
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

// One small integer of AML: ZeroOp, OneOp or BytePrefix (20.2.3). Returns the offset behind it, 0 when it is none.
static uint32_t aml_byte(struct acpi_table dsdt, uint32_t at, uint8_t *value)
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
static void parse_s5(struct acpi_table dsdt, struct acpi_info *out)
{
    for (uint32_t at = ACPI_HEADER_BYTES; dsdt.size - at >= 8; at++) {
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

static void parse_fadt(const struct memory_window *memory, struct acpi_table fadt, struct acpi_info *out)
{
    out->pm_timer_port = fadt_port(fadt, 76, 208);
    out->pm_timer_32bit = (acpi_field(fadt, 112, 4) & 1 << 8) != 0; // TMR_VAL_EXT
    out->pm1a_control = fadt_port(fadt, 64, 172);
    out->pm1b_control = fadt_port(fadt, 68, 184);
    out->rtc_century = acpi_field(fadt, 108, 1) < 128 ? (uint8_t)acpi_field(fadt, 108, 1) : 0;
    struct acpi_table dsdt;
    uint64_t address = acpi_field(fadt, 140, 8) != 0 ? acpi_field(fadt, 140, 8) : acpi_field(fadt, 40, 4);
    if (acpi_load(memory, address, &dsdt) && acpi_is(dsdt, "DSDT"))
        parse_s5(dsdt, out);
    else
        out->bad_tables++;
}

static void parse_table(const struct memory_window *memory, struct acpi_table table, struct acpi_info *out)
{
    out->tables++;
    if (acpi_is(table, "APIC") && out->cpu_count == 0)
        parse_madt(table, out);
    else if (acpi_is(table, "FACP"))
        parse_fadt(memory, table, out);
    else if (acpi_is(table, "HPET") && acpi_field(table, 40, 1) == 0) // registers in memory space
        out->hpet_address = acpi_field(table, 44, 8);
}

bool acpi_parse(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, struct acpi_info *out)
{
    struct acpi_root root;
    struct acpi_table table;
    memset(out, 0, sizeof(*out));
    if (!acpi_find_root(memory, rsdp, size, &root))
        return false;
    for (uint32_t i = 0; i < root.count; i++) {
        if (acpi_root_table(memory, &root, i, &table))
            parse_table(memory, table, out);
        else
            out->bad_tables++;
    }
    return true;
}
