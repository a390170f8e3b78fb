// SPDX-License-Identifier: MIT
// A board out of ACPI tables, as the loader for UEFI on arm64 makes it: tables as QEMU writes them, both versions of
// the interrupt controller, what is missing or damaged; and the device tree of such a board, read again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/arm64/dtb_node.h"
#include "boot/efi/arm64/acpi_board.h"
#include "boot/efi/arm64/board_tree.h"
#include "tools/tests/native/host.h"

#include <libfdt.h>

#define ROUNDS     20000
#define AREA_BYTES 4096u
#define TABLES_MAX 6u
#define OWN_MPIDR  UINT64_C(0x80000001)

// Physical memory from 0x1000 on: the RSDP, the XSDT, then the tables.
static uint8_t area[AREA_BYTES];
static uint32_t used, table_at[TABLES_MAX], table_count;
static struct board found;
static struct refusal refusal;

#define AREA_START 0x1000u
#define RSDP_BYTES 36u
#define XSDT_AT    64u
#define XSDT_BYTES (36u + 8 * TABLES_MAX)

static void put(uint32_t at, uint64_t value, uint32_t bytes)
{
    memcpy(area + at, &value, bytes);
}

static void seal(uint32_t at, uint32_t size, uint32_t checksum_at)
{
    uint8_t sum = 0;
    area[at + checksum_at] = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + area[at + i]);
    area[at + checksum_at] = (uint8_t)-sum;
}

static uint32_t begin_table(const char *signature, uint32_t size)
{
    uint32_t at = (used + 7) & ~7u;
    memcpy(area + at, signature, 4);
    put(at + 4, size, 4);
    memcpy(area + at + 10, "BOCHS BXPC    ", 14);
    used = at + size;
    table_at[table_count++] = at;
    return at;
}

static void end_table(uint32_t at)
{
    put(at + 4, used - at, 4);
    seal(at, used - at, 9);
}

static uint32_t part(uint8_t type, uint8_t size)
{
    uint32_t at = used;
    area[at] = type;
    area[at + 1] = size;
    used += size;
    return at;
}

static void gicc(uint64_t processor, uint32_t flags, uint32_t maintenance, uint64_t gicr)
{
    uint32_t at = part(0x0b, 80);
    put(at + 12, flags, 4);
    put(at + 32, 0x8010000, 8);
    put(at + 40, 0x8040000, 8);
    put(at + 48, 0x8030000, 8);
    put(at + 56, maintenance, 4);
    put(at + 60, gicr, 8);
    put(at + 68, processor, 8);
}

static void madt(uint8_t said, uint64_t gicr, uint64_t own_gicr)
{
    uint32_t at = begin_table("APIC", 44), distributor = part(0x0c, 24);
    put(distributor + 8, 0x8000000, 8);
    put(distributor + 20, said, 1);
    gicc(0, 1, 24, 0x80a0000);
    gicc(2, 0, 23, 0);
    gicc(1, 1, 25, own_gicr); // ours
    gicc(3, 1, 22, 0x80e0000);
    if (gicr != 0) {
        uint32_t range = part(0x0e, 16);
        put(range + 4, gicr, 8);
        put(range + 12, 0xf60000, 4);
    }
    end_table(at);
}

static void gtdt(void)
{
    uint32_t at = begin_table("GTDT", 96);
    put(at + 48, 29, 4);
    put(at + 56, 30, 4);
    put(at + 64, 27, 4);
    put(at + 72, 26, 4);
    end_table(at);
}

static void fadt(uint16_t flags)
{
    uint32_t at = begin_table("FACP", 276);
    put(at + 129, flags, 2);
    end_table(at);
}

static void spcr(uint8_t kind, uint8_t space)
{
    uint32_t at = begin_table("SPCR", 80);
    put(at + 36, kind, 1);
    put(at + 40, space, 1);
    put(at + 44, 0x9000000, 8);
    end_table(at);
}

static void begin_tables(void)
{
    memset(area, 0, sizeof(area));
    used = XSDT_AT + XSDT_BYTES;
    table_count = 0;
}

static void end_tables(void)
{
    memcpy(area + XSDT_AT, "XSDT", 4);
    memcpy(area + XSDT_AT + 10, "BOCHS BXPC    ", 14);
    put(XSDT_AT + 4, 36 + 8 * table_count, 4);
    for (uint32_t i = 0; i < table_count; i++)
        put(XSDT_AT + 36 + 8 * i, AREA_START + table_at[i], 8);
    seal(XSDT_AT, 36 + 8 * table_count, 9);
    memcpy(area, "RSD PTR ", 8);
    area[15] = 2;
    put(20, RSDP_BYTES, 4);
    put(24, AREA_START + XSDT_AT, 8);
    seal(0, 20, 8);
    seal(0, RSDP_BYTES, 32);
}

static void usual(uint8_t said, uint64_t gicr)
{
    begin_tables();
    madt(said, gicr, 0x80c0000);
    gtdt();
    fadt(1);
    spcr(3, 0);
    end_tables();
}

// The first `bytes` of them, in a place of exactly that size: the sanitizer watches.
static bool read_tables(uint32_t bytes)
{
    uint8_t *copy = malloc(bytes);
    memcpy(copy, area, bytes);
    const struct memory_window memory = { .bias = (uintptr_t)copy - AREA_START, .start = AREA_START,
                                          .end = AREA_START + bytes };
    refusal.text[0] = '\0';
    bool good = acpi_board_read(&memory, copy, RSDP_BYTES, OWN_MPIDR, &found, &refusal);
    assert_true(good == (refusal.text[0] == '\0'));
    free(copy);
    return good;
}

static void refused(const char *sentence)
{
    assert_false(read_tables(used));
    assert_string_equal(refusal.text, sentence);
}

static void as_qemu_writes(void **state)
{
    (void)state;
    usual(3, 0x80a0000);
    assert_true(read_tables(used));
    assert_string_equal(found.model, "ACPI: BOCHS BXPC");
    assert_int_equal(found.gic_version, 3);
    assert_int_equal(found.gicd, 0x8000000);
    assert_int_equal(found.gicr, 0x80a0000);
    assert_int_equal(found.gicr_size, 0xf60000);
    assert_int_equal(found.gicc + found.gich + found.gicv, 0);
    assert_int_equal(found.maintenance_intid, 25);
    assert_int_equal(found.timer_el2_intid, 26);
    assert_int_equal(found.timer_virtual_intid, 27);
    assert_int_equal(found.timer_physical_intid, 30);
    assert_int_equal(found.uart, 0x9000000);
    assert_int_equal(found.psci, PSCI_SMC);
    assert_int_equal(found.rtc + found.ecam + found.pci_io, 0);
    assert_false(found.has_seed);
}

static void version_2(void **state)
{
    (void)state;
    usual(2, 0);
    assert_true(read_tables(used));
    assert_int_equal(found.gic_version, 2);
    assert_int_equal(found.gicc, 0x8010000);
    assert_int_equal(found.gich, 0x8030000);
    assert_int_equal(found.gicv, 0x8040000);
    assert_int_equal(found.gicr + found.gicr_size, 0);
}

// The distributor may not say its version; redistributors may be named by each processor alone.
static void who_says_what(void **state)
{
    (void)state;
    usual(0, 0);
    assert_true(read_tables(used));
    assert_int_equal(found.gic_version, 3);
    assert_int_equal(found.gicr, 0x80c0000);
    assert_int_equal(found.gicr_size, 0x20000);
    begin_tables();
    madt(4, 0x80a0000, 0);
    gtdt();
    fadt(3);
    spcr(0x0e, 0); // one that has not all of a PL011
    end_tables();
    assert_true(read_tables(used));
    assert_int_equal(found.gic_version, 3);
    assert_int_equal(found.psci, PSCI_HVC);
    assert_int_equal(found.uart, 0);
    begin_tables();
    madt(0, 0, 0);
    gtdt();
    fadt(2); // a conduit of what is not there
    spcr(3, 1); // not in memory
    end_tables();
    assert_true(read_tables(used));
    assert_int_equal(found.gic_version, 2);
    assert_int_equal(found.psci, PSCI_NONE);
    assert_int_equal(found.uart, 0);
}

static void what_is_missing(void **state)
{
    (void)state;
    usual(3, 0x80a0000);
    area[table_at[0] + 50] ^= 1;
    refused("the firmware's ACPI names no interrupt controller of version 2 or 3 (MADT); 1 of its 4 tables are "
            "damaged");
    usual(3, 0x80a0000);
    area[table_at[1] + 50] ^= 1;
    refused("the firmware's ACPI names no timer of EL2 (GTDT); 1 of its 4 tables are damaged");
    begin_tables();
    madt(3, 0, 0);
    gtdt();
    end_tables();
    refused("the firmware's ACPI names no interrupt controller of version 2 or 3 (MADT); 0 of its 2 tables are "
            "damaged");
    usual(3, 0x80a0000);
    area[XSDT_AT + 20] ^= 1;
    refused("the firmware's ACPI tables are damaged: neither XSDT nor RSDT can be read");
    usual(3, 0x80a0000);
    area[3] ^= 1;
    refused("the firmware's ACPI tables are damaged: neither XSDT nor RSDT can be read");
    usual(3, 0x80a0000);
    area[table_at[2] + 130] ^= 1; // without the FADT it can be run on
    assert_true(read_tables(used));
    assert_int_equal(found.psci, PSCI_NONE);
}

static void cut_short(void **state)
{
    (void)state;
    usual(3, 0x80a0000);
    for (uint32_t bytes = RSDP_BYTES; bytes < used; bytes++)
        read_tables(bytes);
    begin_tables(); // parts whose lengths say too much, and nothing
    uint32_t at = begin_table("APIC", 44);
    part(0x0c, 24);
    area[used - 24 + 1] = 200;
    end_table(at);
    gtdt();
    end_tables();
    assert_false(read_tables(used));
    area[at + 45] = 0;
    seal(at, 68, 9);
    assert_false(read_tables(used));
}

static void random_damage(void **state)
{
    (void)state;
    uint64_t seed = 31;
    for (unsigned round = 0; round < ROUNDS; round++) {
        usual(round % 2 == 0 ? 3 : 2, round % 4 == 0 ? 0x80a0000 : 0);
        for (unsigned i = 0; i < 1 + round % 6; i++)
            area[host_random(&seed) % used] = (uint8_t)host_random(&seed);
        if (round % 3 != 0) { // with sums that are right
            for (uint32_t i = 0; i < table_count; i++) {
                uint32_t next = i + 1 < table_count ? table_at[i + 1] : used, size;
                memcpy(&size, area + table_at[i] + 4, sizeof(size));
                if (size >= 36 && size <= next - table_at[i])
                    seal(table_at[i], size, 9);
            }
            seal(XSDT_AT, 36 + 8 * table_count, 9);
            seal(0, 20, 8);
            seal(0, RSDP_BYTES, 32);
        }
        if (read_tables(used))
            assert_true(found.gic_version != 0 && found.timer_el2_intid != 0 && found.gicd != 0 &&
                        strlen(found.model) < sizeof(found.model));
    }
}

// --- the tree of such a board ----------------------------------------------------------------------------------------

static void read_again(const struct board *written)
{
    static _Alignas(8) uint8_t tree[BOARD_TREE_BYTES];
    struct board again = { .rtc = 0 };
    assert_true(board_tree_write(written, tree, sizeof(tree)));
    assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
    dtb_read_board(tree, &again);
    assert_memory_equal(&again, written, sizeof(again));
    uint32_t size = fdt_totalsize(tree);
    for (uint32_t room = 0; room < size; room++) {
        uint8_t *small = malloc(room == 0 ? 1 : room);
        assert_false(board_tree_write(written, small, room));
        free(small);
    }
}

static void trees(void **state)
{
    (void)state;
    for (uint8_t version = 2; version <= 3; version++) {
        usual(version, version == 3 ? 0x80a0000 : 0);
        assert_true(read_tables(used));
        read_again(&found);
        found.psci = PSCI_NONE;
        found.uart = 0;
        found.maintenance_intid = 0; // nobody says it
        found.timer_physical_intid = 45; // a shared one
        read_again(&found);
        found.psci = PSCI_HVC;
        read_again(&found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_qemu_writes), cmocka_unit_test(version_2), cmocka_unit_test(who_says_what),
        cmocka_unit_test(what_is_missing), cmocka_unit_test(cut_short), cmocka_unit_test(random_damage),
        cmocka_unit_test(trees),
    };
    return cmocka_run_group_tests_name("efi_acpi", tests, NULL, NULL);
}
