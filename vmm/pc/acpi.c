// SPDX-License-Identifier: MIT
// The ACPI tables that a guest finds below 1 MiB, built as bytes from one layout. Called once when a VM is made; writes
// only [GUEST_ACPI_BASE, GUEST_MPTABLE_BASE) of the guest's memory. Pure. Section numbers are those of the ACPI 6.0
// specification.
#include "vmm/pc/bios.h"
#include "vmm/pc/tables.h"
#include "vmm/base/guestmem.h"

#define PM1A_EVENT_PORT   0x600
#define PM1A_CONTROL_PORT 0x604
#define PM_TIMER_PORT     0x608
#define RESET_PORT        0xcf9
#define RESET_VALUE       6    // full reset: bit 1 reset mode, bit 2 go
#define CENTURY_INDEX     0x32 // of the RTC's memory
// IA-PC HPET 1.0a, 3.2.4: revision 1, 2 comparators, 64-bit counter, legacy interrupts, vendor 8086h.
#define HPET_BLOCK_ID     0x8086a101u
#define HPET_MIN_TICK     128 // counter ticks that a periodic interrupt may be short

#define HEADER_BYTES      36  // 5.2.6
#define FADT_BYTES        276 // 5.2.9, revision 6
#define HPET_BYTES        56
#define TABLES            3   // that RSDT and XSDT list

// 5.2.9 fixed feature flags. TMR_VAL_EXT (bit 8) stays 0: the PM timer has 24 bits.
#define FADT_WBINVD       (1u << 0)
#define FADT_PROC_C1      (1u << 2)
#define FADT_PWR_BUTTON   (1u << 4) // no fixed power button
#define FADT_SLP_BUTTON   (1u << 5) // no fixed sleep button
#define FADT_FIX_RTC      (1u << 6) // the RTC's alarm is no wake event of PM1
#define FADT_RESET_REG    (1u << 10)
#define BOOT_LEGACY       (1u << 0) // 5.2.9.3: ISA devices are there
#define BOOT_8042         (1u << 1)
#define BOOT_NO_MSI       (1u << 3)
#define MADT_PCAT_COMPAT  (1u << 0) // 5.2.12: a pair of 8259 is there
#define GAS_SYSTEM_IO     1         // 5.2.3.1
#define GAS_ACCESS_BYTE   1
#define GAS_ACCESS_WORD   2
#define GAS_ACCESS_DWORD  3

// Where the next table goes, and the whole area for bounds.
struct acpi_area {
    uint8_t *host; // guest address 0
    uint32_t next;
};

// Takes `bytes` aligned to 64 (the FACS asks for it, 5.2.10) and returns their guest address.
static uint32_t take(struct acpi_area *area, uint32_t bytes)
{
    uint32_t at = area->next;

    memset(area->host + at, 0, bytes);
    area->next = (at + bytes + 63) & ~63u;
    return at;
}

static uint32_t table_new(struct acpi_area *area, const char *signature, uint8_t revision, uint32_t bytes)
{
    uint32_t at = take(area, bytes);
    uint8_t *table = area->host + at;

    memcpy(table, signature, 4);
    put32(table + 4, bytes);
    table[8] = revision;
    memcpy(table + 10, "ESCAPE", 6);   // OEM id
    memcpy(table + 16, "ESCAPEMT", 8); // OEM table id
    put32(table + 24, 1);              // OEM revision
    memcpy(table + 28, "ESCM", 4);     // creator id
    put32(table + 32, 1);              // creator revision
    return at;
}

static void table_seal(struct acpi_area *area, uint32_t at, uint32_t bytes)
{
    area->host[at + 9] = checksum(area->host + at, bytes);
}

static uint32_t build_facs(struct acpi_area *area)
{
    uint32_t at = take(area, 64);

    memcpy(area->host + at, "FACS", 4);
    put32(area->host + at + 4, 64);
    area->host[at + 32] = 2; // version; the FACS has no checksum
    return at;
}

static uint32_t build_dsdt(struct acpi_area *area)
{
    uint32_t bytes = HEADER_BYTES + GUEST_DSDT_BYTES;
    uint32_t at = table_new(area, "DSDT", 2, bytes);

    memcpy(area->host + at + HEADER_BYTES, guest_dsdt_body, GUEST_DSDT_BYTES);
    table_seal(area, at, bytes);
    return at;
}

// A Generic Address Structure for an I/O port (5.2.3.1).
static void put_gas(uint8_t *at, uint8_t bits, uint8_t access, uint16_t port)
{
    at[0] = GAS_SYSTEM_IO;
    at[1] = bits;
    at[2] = 0;
    at[3] = access;
    put64(at + 4, port);
}

static uint32_t build_fadt(struct acpi_area *area, uint32_t facs, uint32_t dsdt)
{
    uint32_t at = table_new(area, "FACP", 6, FADT_BYTES);
    uint8_t *fadt = area->host + at;

    put32(fadt + 36, facs);
    put32(fadt + 40, dsdt);
    put16(fadt + 46, GUEST_SCI_INTERRUPT); // SMI_CMD at 48 stays 0: the machine is always in ACPI mode
    put32(fadt + 56, PM1A_EVENT_PORT);
    put32(fadt + 64, PM1A_CONTROL_PORT);
    put32(fadt + 76, PM_TIMER_PORT);
    fadt[88] = 4;             // PM1_EVT_LEN
    fadt[89] = 2;             // PM1_CNT_LEN
    fadt[91] = 4;             // PM_TMR_LEN
    put16(fadt + 96, 0xffff); // P_LVL2_LAT: above 100 means no C2
    put16(fadt + 98, 0xffff); // P_LVL3_LAT: above 1000 means no C3
    fadt[108] = CENTURY_INDEX;
    put16(fadt + 109, BOOT_LEGACY | BOOT_8042 | BOOT_NO_MSI);
    put32(fadt + 112, FADT_WBINVD | FADT_PROC_C1 | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_FIX_RTC |
                           FADT_RESET_REG);
    put_gas(fadt + 116, 8, GAS_ACCESS_BYTE, RESET_PORT);
    fadt[128] = RESET_VALUE;
    put64(fadt + 140, dsdt); // X_DSDT; X_FIRMWARE_CTRL at 132 stays 0 because FIRMWARE_CTRL is used
    put_gas(fadt + 148, 32, GAS_ACCESS_WORD, PM1A_EVENT_PORT);
    put_gas(fadt + 172, 16, GAS_ACCESS_WORD, PM1A_CONTROL_PORT);
    put_gas(fadt + 208, 32, GAS_ACCESS_DWORD, PM_TIMER_PORT);
    memcpy(fadt + 268, "ESCAPEMT", 8); // hypervisor vendor identity
    table_seal(area, at, FADT_BYTES);
    return at;
}

// 5.2.12.5: an ISA interrupt that is on another input of the IOAPIC, or triggers otherwise, than its number says.
static uint8_t *put_override(uint8_t *entry, uint8_t irq, uint32_t input, uint16_t flags)
{
    entry[0] = 2;
    entry[1] = 10;
    entry[3] = irq;
    put32(entry + 4, input);
    put16(entry + 8, flags);
    return entry + 10;
}

// 5.2.12.3: the IOAPIC, whose id follows those of the processors; its inputs are interrupts 0 to 23.
static uint8_t *put_ioapic(uint8_t *entry, unsigned id)
{
    entry[0] = 1;
    entry[1] = 12;
    entry[2] = (uint8_t)id;
    put32(entry + 4, GUEST_IOAPIC_ADDRESS);
    return entry + 12;
}

// 5.2.12.7: every processor's LINT1 is an NMI.
static void put_nmi(uint8_t *entry)
{
    entry[0] = 4;
    entry[1] = 6;
    entry[2] = 0xff;
    entry[5] = 1;
}

static uint32_t build_madt(struct acpi_area *area, unsigned cpus)
{
    uint32_t bytes = HEADER_BYTES + 8 + 8 * cpus + 12 + 2 * 10 + 6;
    uint32_t at = table_new(area, "APIC", 3, bytes);
    uint8_t *entry = area->host + at + HEADER_BYTES + 8;

    put32(area->host + at + 36, GUEST_LAPIC_ADDRESS);
    put32(area->host + at + 40, MADT_PCAT_COMPAT);
    for (unsigned cpu = 0; cpu < cpus; cpu++, entry += 8) {
        entry[0] = 0; // 5.2.12.2: processor local APIC
        entry[1] = 8;
        entry[2] = (uint8_t)cpu; // processor id
        entry[3] = (uint8_t)cpu; // APIC id
        put32(entry + 4, 1);     // enabled
    }
    entry = put_ioapic(entry, cpus);
    entry = put_override(entry, 0, GUEST_PIT_INPUT, INTERRUPT_AS_BUS);
    entry = put_override(entry, GUEST_SCI_INTERRUPT, GUEST_SCI_INTERRUPT, INTERRUPT_LEVEL_HIGH);
    put_nmi(entry);
    table_seal(area, at, bytes);
    return at;
}

// IA-PC HPET 1.0a, 3.2.4.
static uint32_t build_hpet(struct acpi_area *area)
{
    uint32_t at = table_new(area, "HPET", 1, HPET_BYTES);
    uint8_t *hpet = area->host + at;

    put32(hpet + 36, HPET_BLOCK_ID);
    hpet[41] = 64; // a Generic Address Structure for memory: width in bits
    put64(hpet + 44, GUEST_HPET_ADDRESS);
    put16(hpet + 53, HPET_MIN_TICK);
    table_seal(area, at, HPET_BYTES);
    return at;
}

// RSDT and XSDT: the same list, in 4 and in 8 bytes an address.
static uint32_t build_list(struct acpi_area *area, const char *signature, unsigned width, const uint32_t *tables)
{
    uint32_t bytes = HEADER_BYTES + TABLES * width;
    uint32_t at = table_new(area, signature, 1, bytes);

    for (unsigned i = 0; i < TABLES; i++)
        put32(area->host + at + HEADER_BYTES + (size_t)i * width, tables[i]);
    table_seal(area, at, bytes);
    return at;
}

void guest_acpi_build(struct guest_ram ram, unsigned cpus)
{
    struct acpi_area area = { .host = guest_pointer(ram, (gpa){ 0 }, MIB), .next = GUEST_ACPI_BASE };

    if (area.host == NULL)
        return;
    if (cpus > GUEST_CPUS_MAX)
        cpus = GUEST_CPUS_MAX;
    uint8_t *rsdp = area.host + take(&area, 36);
    uint32_t facs = build_facs(&area);
    uint32_t dsdt = build_dsdt(&area);
    uint32_t tables[TABLES] = { build_fadt(&area, facs, dsdt), build_madt(&area, cpus), build_hpet(&area) };

    // 5.2.5.3: the first checksum covers the 20 bytes of revision 0, the second all 36.
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "ESCAPE", 6);
    rsdp[15] = 2;
    put32(rsdp + 16, build_list(&area, "RSDT", 4, tables));
    put32(rsdp + 20, 36);
    put64(rsdp + 24, build_list(&area, "XSDT", 8, tables));
    rsdp[8] = checksum(rsdp, 20);
    rsdp[32] = checksum(rsdp, 36);
}
