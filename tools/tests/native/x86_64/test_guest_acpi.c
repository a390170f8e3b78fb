// SPDX-License-Identifier: MIT
// The ACPI tables, read back the way an operating system finds them: from the RSDP's scan, through RSDT and XSDT, with
// every checksum; and the MP table, found by its own scan. Writes the ACPI tables as files when ACPI_DUMP names a
// directory, for tools/tests/source/acpi.sh and its disassembler.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/pc/bios.h"

static struct guest_ram ram;

static uint64_t get(uint64_t at, unsigned bytes)
{
    uint64_t value = 0;

    assert_true(at + bytes <= ram.size);
    memcpy(&value, ram.host + at, bytes);
    return value;
}

static uint8_t sum(uint64_t at, uint64_t bytes)
{
    uint8_t total = 0;

    for (uint64_t i = 0; i < bytes; i++)
        total = (uint8_t)(total + get(at + i, 1));
    return total;
}

// ACPI 5.2.5.1: on a 16-byte boundary between 0xe0000 and 0xfffff.
static uint64_t find_rsdp(void)
{
    for (uint64_t at = 0xe0000; at < 0x100000; at += 16) {
        if (memcmp(ram.host + at, "RSD PTR ", 8) == 0)
            return at;
    }
    fail_msg("no RSDP");
    return 0;
}

static void assert_table(uint64_t at, const char *signature)
{
    assert_true(at >= GUEST_ACPI_BASE && at + get(at + 4, 4) <= GUEST_MPTABLE_BASE);
    assert_memory_equal(ram.host + at, signature, 4);
    assert_int_equal(sum(at, get(at + 4, 4)), 0);
}

static uint64_t find_table(const char *signature)
{
    uint64_t rsdt = get(find_rsdp() + 16, 4), xsdt = get(find_rsdp() + 24, 8), found = 0;

    assert_table(rsdt, "RSDT");
    assert_table(xsdt, "XSDT");
    assert_int_equal((get(rsdt + 4, 4) - 36) / 4, (get(xsdt + 4, 4) - 36) / 8);
    for (uint64_t i = 0; i < (get(xsdt + 4, 4) - 36) / 8; i++) {
        uint64_t at = get(xsdt + 36 + 8 * i, 8);
        assert_true(get(rsdt + 36 + 4 * i, 4) == at);
        if (memcmp(ram.host + at, signature, 4) == 0)
            found = at;
    }
    assert_true(found != 0);
    assert_table(found, signature);
    return found;
}

static void test_rsdp(void **state)
{
    (void)state;
    uint64_t rsdp = find_rsdp();

    assert_true(rsdp == GUEST_ACPI_BASE);
    assert_int_equal(get(rsdp + 15, 1), 2);
    assert_int_equal(get(rsdp + 20, 4), 36);
    assert_int_equal(sum(rsdp, 20), 0);
    assert_int_equal(sum(rsdp, 36), 0);
}

static void assert_gas(uint64_t at, uint8_t bits, uint8_t access, uint64_t port)
{
    assert_int_equal(get(at, 1), 1); // system I/O
    assert_int_equal(get(at + 1, 1), bits);
    assert_int_equal(get(at + 2, 1), 0);
    assert_int_equal(get(at + 3, 1), access);
    assert_true(get(at + 4, 8) == port);
}

static void test_fadt(void **state)
{
    (void)state;
    uint64_t fadt = find_table("FACP"), flags = get(fadt + 112, 4);

    assert_int_equal(get(fadt + 4, 4), 276);
    assert_int_equal(get(fadt + 46, 2), 9);     // SCI
    assert_int_equal(get(fadt + 48, 4), 0);     // no SMI command
    assert_int_equal(get(fadt + 56, 4), 0x600); // PM1a event
    assert_int_equal(get(fadt + 60, 4), 0);     // no PM1b
    assert_int_equal(get(fadt + 64, 4), 0x604);
    assert_int_equal(get(fadt + 76, 4), 0x608);
    assert_int_equal(get(fadt + 88, 1), 4);
    assert_int_equal(get(fadt + 89, 1), 2);
    assert_int_equal(get(fadt + 91, 1), 4);
    assert_int_equal(flags & (1u << 8), 0);         // 24-bit timer
    assert_int_equal(flags & (1u << 10), 1u << 10); // reset register
    assert_int_equal(flags & (1u << 20), 0);        // not hardware-reduced
    assert_int_equal(flags & (1u << 6), 1u << 6);   // no RTC event in PM1
    assert_int_equal(get(fadt + 108, 1), 0x32);     // the century's index in the RTC
    assert_int_equal(get(fadt + 109, 2), 0x000b);   // ISA devices, an 8042, no MSI; a VGA, a CMOS RTC
    assert_gas(fadt + 116, 8, 1, 0xcf9);
    assert_int_equal(get(fadt + 128, 1), 6);
    assert_gas(fadt + 148, 32, 2, 0x600);
    assert_gas(fadt + 172, 16, 2, 0x604);
    assert_gas(fadt + 208, 32, 3, 0x608);
    assert_int_equal(sum(fadt + 160, 12), 0); // X_PM1b_EVT absent
    uint64_t facs = get(fadt + 36, 4);
    assert_int_equal(facs % 64, 0);
    assert_memory_equal(ram.host + facs, "FACS", 4);
    assert_int_equal(get(facs + 4, 4), 64);
}

// Its bytes are compared with its source by tools/tests/source/acpi.sh; here only what power-off needs.
static void test_dsdt_says_s5(void **state)
{
    static const uint8_t s5[] = { 8, '_', 'S', '5', '_', 0x12, 8, 4, 10, 5, 10, 5, 0, 0 };
    uint64_t fadt = find_table("FACP"), dsdt = get(fadt + 40, 4);

    (void)state;
    assert_true(get(fadt + 140, 8) == dsdt);
    assert_table(dsdt, "DSDT");
    assert_memory_equal(ram.host + dsdt + 36, s5, sizeof(s5));
}

static void build(unsigned cpus)
{
    guest_acpi_build(ram, cpus);
    guest_mptable_build(ram, cpus);
}

static const unsigned cpu_counts[] = { 1, 2, 254 };

static void test_madt(void **state)
{
    static const uint8_t overrides[] = { 2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 2, 10, 0, 9, 9, 0, 0, 0, 13, 0 };
    static const uint8_t nmi[] = { 4, 6, 0xff, 0, 0, 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(cpu_counts) / sizeof(cpu_counts[0]); i++) {
        build(cpu_counts[i]);
        uint64_t madt = find_table("APIC"), at = madt + 44 + 8 * cpu_counts[i];
        assert_true(get(madt + 36, 4) == 0xfee00000u);
        assert_int_equal(get(madt + 40, 4), 1);
        assert_int_equal(get(madt + 4, 4), at - madt + 12 + sizeof(overrides) + sizeof(nmi));
        for (unsigned cpu = 0; cpu < cpu_counts[i]; cpu++)
            assert_true(get(madt + 44 + 8 * cpu, 8) == (0x100000800u | (uint64_t)cpu << 16 | (uint64_t)cpu << 24));
        assert_true(get(at, 8) == (0xfec0000000000c01u | (uint64_t)cpu_counts[i] << 16)); // the IOAPIC
        assert_int_equal(get(at + 8, 4), 0);
        assert_memory_equal(ram.host + at + 12, overrides, sizeof(overrides));
        assert_memory_equal(ram.host + at + 12 + sizeof(overrides), nmi, sizeof(nmi));
    }
    build(1);
}

static void test_hpet(void **state)
{
    (void)state;
    uint64_t hpet = find_table("HPET");

    assert_int_equal(get(hpet + 4, 4), 56);
    assert_true(get(hpet + 36, 4) == 0x8086a101u);
    assert_true(get(hpet + 40, 4) == 0x4000 && get(hpet + 44, 8) == 0xfed00000u);
    assert_int_equal(get(hpet + 52, 1), 0);
    assert_int_equal(get(hpet + 53, 2), 128);
}

// One entry of the MP table of each kind, as the specification's figures draw them.
static uint64_t assert_mp_entries(uint64_t at, unsigned cpus)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++, at += 20) {
        assert_true(get(at, 4) == (0x01140000u | (uint64_t)cpu << 8 | (cpu == 0 ? 0x02000000u : 0)));
        assert_int_equal(get(at + 8, 4), 0x201);
    }
    assert_int_equal(get(at, 2), 0x0001); // bus 0
    assert_memory_equal(ram.host + at + 2, "ISA   ", 6);
    assert_true(get(at + 8, 8) == (0xfec0000001200002u | (uint64_t)cpus << 8));
    at += 16;
    for (unsigned irq = 0; irq < 16; irq++) {
        if (irq == 2)
            continue;
        uint64_t input = irq == 0 ? 2 : irq, flags = irq == 9 ? 13 : 0;
        assert_true(get(at, 8) == (3 | flags << 16 | (uint64_t)irq << 40 | (uint64_t)cpus << 48 | input << 56));
        at += 8;
    }
    assert_true(get(at, 8) == 0x00ff000000000304u);     // ExtINT on LINT0
    assert_true(get(at + 8, 8) == 0x01ff000000000104u); // NMI on LINT1
    return at + 16;
}

static void test_mp_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cpu_counts) / sizeof(cpu_counts[0]); i++) {
        build(cpu_counts[i]);
        assert_memory_equal(ram.host + 0xf0000, "_MP_", 4);
        assert_int_equal(sum(0xf0000, 16), 0);
        assert_true(get(0xf0008, 1) == 1 && get(0xf0009, 1) == 4 && get(0xf000b, 4) == 0);
        uint64_t table = get(0xf0004, 4), bytes = get(table + 4, 2);
        assert_memory_equal(ram.host + table, "PCMP", 4);
        assert_int_equal(get(table + 6, 1), 4);
        assert_int_equal(sum(table, bytes), 0);
        assert_true(get(table + 36, 4) == 0xfee00000u);
        assert_int_equal(get(table + 34, 2), cpu_counts[i] + 19);
        assert_int_equal(assert_mp_entries(table + 44, cpu_counts[i]), table + bytes);
    }
    build(1);
}

static void test_keeps_to_its_area(void **state)
{
    (void)state;
    memset(ram.host, 0xcc, ram.size);
    guest_acpi_build((struct guest_ram){ .host = ram.host, .size = MIB - 1 }, 1); // too small: nothing at all
    guest_mptable_build((struct guest_ram){ .host = ram.host, .size = MIB - 1 }, 1);
    assert_int_equal(get(GUEST_ACPI_BASE, 1), 0xcc);
    assert_int_equal(get(GUEST_MPTABLE_BASE, 1), 0xcc);
    guest_acpi_build(ram, 100000);
    assert_int_equal(get(GUEST_ACPI_BASE - 1, 1), 0xcc);
    assert_int_equal(get(GUEST_MPTABLE_BASE - 1, 1), 0xcc);
    guest_mptable_build(ram, 100000);
    assert_int_equal(get(GUEST_MPTABLE_BASE - 1, 1), 0xcc);
    build(1);
}

static void dump(const char *directory, const char *name, uint64_t at)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s.dat", directory, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(ram.host + at, 1, (size_t)get(at + 4, 4), file), get(at + 4, 4));
    fclose(file);
}

static void test_dump(void **state)
{
    const char *directory = getenv("ACPI_DUMP");

    (void)state;
    if (!directory)
        return;
    uint64_t fadt = find_table("FACP");
    dump(directory, "facp", fadt);
    dump(directory, "apic", find_table("APIC"));
    dump(directory, "hpet", find_table("HPET"));
    dump(directory, "facs", get(fadt + 36, 4));
    dump(directory, "dsdt", get(fadt + 40, 4));
    dump(directory, "rsdt", get(find_rsdp() + 16, 4));
    dump(directory, "xsdt", get(find_rsdp() + 24, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsdp),
        cmocka_unit_test(test_fadt),
        cmocka_unit_test(test_dsdt_says_s5),
        cmocka_unit_test(test_madt),
        cmocka_unit_test(test_hpet),
        cmocka_unit_test(test_mp_table),
        cmocka_unit_test(test_keeps_to_its_area),
        cmocka_unit_test(test_dump),
    };
    ram = (struct guest_ram){ .host = calloc(1, MIB), .size = MIB };
    build(1);
    int failed = cmocka_run_group_tests_name("guest_acpi", tests, NULL, NULL);
    free(ram.host);
    return failed;
}
