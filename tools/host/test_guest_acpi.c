// SPDX-License-Identifier: MIT
// needs: vmm/guest_acpi.c
// The ACPI tables, read back the way an operating system finds them: from the RSDP's scan, through RSDT and XSDT, with
// every checksum. Writes the tables as files when ACPI_DUMP names a directory, for a disassembler.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/guest_acpi.h"

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
    assert_true(at >= GUEST_ACPI_BASE && at + get(at + 4, 4) <= 0x100000);
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

static void test_dsdt_says_s5(void **state)
{
    static const uint8_t s5[] = { 8, '\\', '_', 'S', '5', '_', 0x12, 8, 4, 10, 5, 10, 5, 0, 0 };
    uint64_t fadt = find_table("FACP"), dsdt = get(fadt + 40, 4);

    (void)state;
    assert_true(get(fadt + 140, 8) == dsdt);
    assert_table(dsdt, "DSDT");
    assert_int_equal(get(dsdt + 4, 4), 36 + sizeof(s5));
    assert_memory_equal(ram.host + dsdt + 36, s5, sizeof(s5));
}

static void test_madt(void **state)
{
    static const unsigned counts[] = { 1, 2, 255 };

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        guest_acpi_build(ram, counts[i]);
        uint64_t madt = find_table("APIC");
        assert_true(get(madt + 36, 4) == 0xfee00000u);
        assert_int_equal(get(madt + 40, 4), 1);
        assert_int_equal(get(madt + 4, 4), 44 + 8 * counts[i]);
        for (unsigned cpu = 0; cpu < counts[i]; cpu++)
            assert_true(get(madt + 44 + 8 * cpu, 8) == (0x100000800u | (uint64_t)cpu << 16 | (uint64_t)cpu << 24));
    }
    guest_acpi_build(ram, 1);
}

static void test_keeps_to_its_area(void **state)
{
    (void)state;
    memset(ram.host, 0xcc, ram.size);
    guest_acpi_build((struct guest_ram){ ram.host, MIB - 1 }, 1); // too small: nothing at all
    assert_int_equal(get(GUEST_ACPI_BASE, 1), 0xcc);
    guest_acpi_build(ram, 100000);
    assert_int_equal(get(GUEST_ACPI_BASE - 1, 1), 0xcc);
    assert_int_equal(get(0xfffff, 1), 0xcc);
    guest_acpi_build(ram, 1);
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
        cmocka_unit_test(test_keeps_to_its_area),
        cmocka_unit_test(test_dump),
    };
    ram = (struct guest_ram){ calloc(1, MIB), MIB };
    guest_acpi_build(ram, 1);
    int failed = cmocka_run_group_tests_name("guest_acpi", tests, NULL, NULL);
    free(ram.host);
    return failed;
}
