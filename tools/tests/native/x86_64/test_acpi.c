// SPDX-License-Identifier: MIT
// The ACPI parser on a machine's memory built here: XSDT and RSDT, each table's facts, what is damaged counts as
// absent, and random damage. The memory ends where its allocation ends, so the sanitizer sees a read of one byte too
// many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/host/acpi.h"
#include "tools/tests/native/host.h"

#define ROUNDS    30000
#define BASE      UINT64_C(0x7fe0000) // physical address of the tables
#define AREA      4096u
#define XSDT_AT   0x000u
#define RSDT_AT   0x080u
#define MADT_AT   0x100u
#define FADT_AT   0x200u
#define HPET_AT   0x380u
#define DSDT_AT   0x400u
#define FADT_SIZE 244u

static uint8_t *area; // AREA bytes at BASE
static uint8_t rsdp[36];
static struct acpi_info info;

static void put(uint32_t at, uint64_t value, unsigned bytes)
{
    memcpy(area + at, &value, bytes);
}

static uint8_t sum_of(const uint8_t *bytes, uint32_t size)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum;
}

static void seal(uint32_t at, const char *signature, uint32_t size)
{
    memcpy(area + at, signature, 4);
    put(at + 4, size, 4);
    area[at + 9] = 0;
    area[at + 9] = (uint8_t)-sum_of(area + at, size);
}

static void seal_rsdp(void)
{
    rsdp[8] = 0;
    rsdp[8] = (uint8_t)-sum_of(rsdp, 20);
    rsdp[32] = 0;
    rsdp[32] = (uint8_t)-sum_of(rsdp, 36);
}

static void build_madt(void)
{
    static const uint8_t entries[] = {
        0, 8,  0, 0, 1, 0, 0,    0,                             // CPU, APIC id 0, enabled
        0, 8,  1, 4, 2, 0, 0,    0,                             // CPU, APIC id 4, can be enabled
        0, 8,  2, 6, 0, 0, 0,    0,                             // CPU that is not there
        9, 16, 0, 0, 0, 1, 0,    0,    1,  0, 0, 0, 3, 0, 0, 0, // x2APIC id 256
        1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 16, 0, 0, 0,             // I/O APIC 5 at fec00000h, from line 16
        2, 10, 0, 9, 5, 0, 0,    0,    13, 0,                   // ISA 9 is line 5, flags 13
    };
    put(MADT_AT + 36, 0xfee00000, 4);
    memcpy(area + MADT_AT + 44, entries, sizeof(entries));
    seal(MADT_AT, "APIC", 44 + sizeof(entries));
}

static void build_fadt(void)
{
    put(FADT_AT + 40, BASE + DSDT_AT, 4);
    put(FADT_AT + 64, 0x604, 4);
    put(FADT_AT + 76, 0x608, 4);
    put(FADT_AT + 108, 0x32, 1);
    put(FADT_AT + 112, 1 << 8, 4);
    seal(FADT_AT, "FACP", FADT_SIZE);
}

static void build_dsdt(void)
{
    static const uint8_t aml[] = { 0x08, '_',  'S',  '5',  'x',  0x08, '_',  'S', '5',
                                   '_',  0x12, 0x06, 0x04, 0x0a, 5,    0x01, 0,   0 };
    memcpy(area + DSDT_AT + 36, aml, sizeof(aml));
    seal(DSDT_AT, "DSDT", 36 + sizeof(aml));
}

static void build(void)
{
    memset(area, 0, AREA);
    build_madt();
    build_fadt();
    build_dsdt();
    put(HPET_AT + 44, 0xfed00000, 8);
    seal(HPET_AT, "HPET", 56);
    static const uint32_t tables[] = { FADT_AT, MADT_AT, HPET_AT };
    for (unsigned i = 0; i < 3; i++) {
        put(XSDT_AT + 36 + i * 8, BASE + tables[i], 8);
        put(RSDT_AT + 36 + i * 4, BASE + tables[i], 4);
    }
    seal(XSDT_AT, "XSDT", 36 + 24);
    seal(RSDT_AT, "RSDT", 36 + 12);
    memset(rsdp, 0, sizeof(rsdp));
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    uint64_t xsdt = BASE + XSDT_AT, rsdt = BASE + RSDT_AT;
    memcpy(rsdp + 16, &rsdt, 4);
    memcpy(rsdp + 24, &xsdt, 8);
    seal_rsdp();
}

static struct memory_window memory(void)
{
    return (struct memory_window){ (uintptr_t)area - (uintptr_t)BASE, BASE, BASE + AREA };
}

static bool parse(uint32_t rsdp_size)
{
    struct memory_window window = memory();
    return acpi_parse(&window, rsdp, rsdp_size, &info);
}

static void check_facts(void)
{
    assert_int_equal(info.tables, 3);
    assert_int_equal(info.bad_tables, 0);
    assert_int_equal(info.lapic_address, 0xfee00000);
    assert_int_equal(info.cpu_count, 3);
    assert_int_equal(info.cpus[0].apic_id, 0);
    assert_true(info.cpus[0].enabled);
    assert_int_equal(info.cpus[1].apic_id, 4);
    assert_false(info.cpus[1].enabled);
    assert_int_equal(info.cpus[2].apic_id, 256);
    assert_int_equal(info.ioapic_count, 1);
    assert_int_equal(info.ioapics[0], 0xfec00000);
    assert_int_equal(info.pm_timer_port, 0x608);
    assert_true(info.pm_timer_32bit);
    assert_int_equal(info.pm1a_control, 0x604);
    assert_int_equal(info.pm1b_control, 0);
    assert_int_equal(info.rtc_century, 0x32);
    assert_int_equal(info.s5_type_a, 5);
    assert_int_equal(info.s5_type_b, 1);
    assert_int_equal(info.hpet_address, 0xfed00000);
}

static void both_roots(void **state)
{
    (void)state;
    build();
    assert_true(parse(36));
    check_facts();
    build();
    memset(area + XSDT_AT, 0, 60); // not there: the RSDT serves
    assert_true(parse(36));
    check_facts();
    build();
    memset(rsdp + 24, 0xff, 8); // points to nowhere
    seal_rsdp();
    assert_true(parse(36));
    check_facts();
    build();
    memset(area + XSDT_AT, 0, 60); // an RSDP of ACPI 1.0
    rsdp[15] = 0;
    seal_rsdp();
    assert_true(parse(20));
    check_facts();
}

static void damaged_is_absent(void **state)
{
    (void)state;
    build();
    rsdp[9]++;
    assert_false(parse(36));
    assert_int_equal(info.tables, 0);
    build();
    assert_false(parse(19));
    build();
    area[XSDT_AT + 20]++;
    area[RSDT_AT + 20]++;
    assert_false(parse(36));
    build();
    area[HPET_AT + 50]++;
    assert_true(parse(36));
    assert_int_equal(info.hpet_address, 0);
    assert_int_equal(info.bad_tables, 1);
    build();
    put(HPET_AT + 4, AREA, 4); // runs out of memory
    assert_true(parse(36));
    assert_int_equal(info.hpet_address, 0);
    build();
    put(HPET_AT + 4, 35, 4); // shorter than a header
    assert_true(parse(36));
    assert_int_equal(info.hpet_address, 0);
    build();
    area[DSDT_AT + 40]++;
    assert_true(parse(36));
    assert_int_equal(info.s5_type_a, 0);
    assert_int_equal(info.pm1a_control, 0x604);
    assert_int_equal(info.bad_tables, 1);
}

static void short_and_odd_tables(void **state)
{
    (void)state;
    build();
    seal(FADT_AT, "FACP", 76); // ends before the PM timer's field
    assert_true(parse(36));
    assert_int_equal(info.pm_timer_port, 0);
    assert_int_equal(info.pm1a_control, 0x604);
    build();
    put(FADT_AT + 76, 0, 4); // only the generic address
    put(FADT_AT + 208, 1, 1);
    put(FADT_AT + 212, 0x1808, 8);
    seal(FADT_AT, "FACP", FADT_SIZE);
    assert_true(parse(36));
    assert_int_equal(info.pm_timer_port, 0x1808);
    put(FADT_AT + 208, 0, 1); // in memory space: not a port
    seal(FADT_AT, "FACP", FADT_SIZE);
    assert_true(parse(36));
    assert_int_equal(info.pm_timer_port, 0);
    build();
    area[MADT_AT + 44 + 8 + 1] = 0; // an entry of no length would loop for ever
    seal(MADT_AT, "APIC", area[MADT_AT + 4]);
    assert_true(parse(36));
    assert_int_equal(info.cpu_count, 1);
    build();
    for (uint32_t i = 0; i < 20; i++)
        memcpy(area + MADT_AT + 44 + i * 8, "\x00\x08\x00\x07\x01\x00\x00\x00", 8);
    seal(MADT_AT, "APIC", 44 + 20 * 8);
    assert_true(parse(36));
    assert_int_equal(info.cpu_count, ACPI_CPUS_MAX);
}

// S5 at the very end of its table, cut off at every byte.
static void s5_cut_off(void **state)
{
    (void)state;
    for (uint32_t size = 36; size <= 54; size++) {
        build();
        seal(DSDT_AT, "DSDT", size);
        assert_true(parse(36));
        assert_int_equal(info.s5_type_a, size >= 52 ? 5 : 0);
    }
}

static void found_in_the_bios_area(void **state)
{
    (void)state;
    uint8_t *low = calloc(1, MIB);
    struct memory_window window = { (uintptr_t)low, 0, MIB };
    build();
    assert_int_equal(acpi_find_rsdp(&window), 0);
    memcpy(low + 0xffff0 - 16, rsdp, 20);
    assert_int_equal(acpi_find_rsdp(&window), 0xfffe0);
    memcpy(low + 0xf0008, rsdp, 20); // not at a multiple of 16
    assert_int_equal(acpi_find_rsdp(&window), 0xfffe0);
    memcpy(low + 0x40e, "\xc0\x9f", 2);
    memcpy(low + 0x9fff0, rsdp, 16); // reaches beyond the EBDA's first KiB: still only a signature
    assert_int_equal(acpi_find_rsdp(&window), 0xfffe0);
    memcpy(low + 0x9fc10, rsdp, 20);
    assert_int_equal(acpi_find_rsdp(&window), 0x9fc10);
    low[0x9fc10 + 10]++;
    assert_int_equal(acpi_find_rsdp(&window), 0xfffe0);
    window.end = 0xf0000;
    assert_int_equal(acpi_find_rsdp(&window), 0);
    free(low);
}

static void random_damage(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        const char *signature;
    } tables[] = {
        { XSDT_AT, "XSDT" }, { MADT_AT, "APIC" }, { FADT_AT, "FACP" }, { HPET_AT, "HPET" }, { DSDT_AT, "DSDT" }
    };
    uint64_t seed = 8;
    unsigned good = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        build();
        unsigned which = (unsigned)host_random_range(&seed, 0, 4);
        uint32_t size = 0;
        memcpy(&size, area + tables[which].at + 4, 4);
        for (uint64_t n = host_random_range(&seed, 1, 8); n > 0; n--)
            area[tables[which].at + host_random_range(&seed, 36, size - 1)] = (uint8_t)host_random_edgy(&seed);
        // Sealed again: the checksum must not be what protects the parser.
        seal(tables[which].at, tables[which].signature,
             (host_random(&seed) & 3) != 0 ? size : (uint32_t)host_random_range(&seed, 36, AREA - tables[which].at));
        good += parse(36);
        assert_true(info.cpu_count <= ACPI_CPUS_MAX && info.ioapic_count <= ACPI_IOAPICS_MAX);
        assert_true(info.s5_type_a <= 7);
    }
    assert_true(good > 0);
    print_message("# %u damaged sets of tables, none read out of bounds\n", ROUNDS);
}

int main(void)
{
    area = malloc(AREA);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roots), cmocka_unit_test(damaged_is_absent),      cmocka_unit_test(short_and_odd_tables),
        cmocka_unit_test(s5_cut_off), cmocka_unit_test(found_in_the_bios_area), cmocka_unit_test(random_damage),
    };
    int failed = cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
    free(area);
    return failed;
}
