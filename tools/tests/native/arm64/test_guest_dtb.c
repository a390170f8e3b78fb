// SPDX-License-Identifier: MIT
// The guest's device tree: libfdt reads it back whole, and each property that a guest lives by is there. With DTB_DUMP
// set to a folder the trees are left there, for dtc (tools/tests/source/dtb.sh).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libfdt.h>

#include "vmm/virt/dtb.h"

#define RAM  UINT64_C(0x40000000)
#define TREE GUEST_DTB_BYTES

// Exactly as large as it may be, so that the sanitizer sees a byte too many.
static void *build(const struct guest_dtb *board)
{
    void *tree = malloc(TREE);
    assert_non_null(tree);
    assert_true(guest_dtb_build(board, tree));
    assert_int_equal(fdt_check_full(tree, TREE), 0);
    assert_true(fdt_totalsize(tree) <= TREE);
    return tree;
}

static struct guest_dtb plain(unsigned gic_version)
{
    return (struct guest_dtb){ .gic_version = gic_version, .cpus = 1, .ram_base = RAM, .ram_bytes = 256 * MIB,
                               .cmdline = "console=ttyAMA0" };
}

static int node(const void *tree, const char *path)
{
    int at = fdt_path_offset(tree, path);
    assert_true(at >= 0);
    return at;
}

static void is_text(const void *tree, const char *path, const char *name, const char *value)
{
    int length;
    const char *is = fdt_getprop(tree, node(tree, path), name, &length);
    assert_non_null(is);
    assert_int_equal(length, strlen(value) + 1);
    assert_string_equal(is, value);
}

// All cells of a property, as 32-bit numbers.
static void are_cells(const void *tree, const char *path, const char *name, const uint32_t *value, unsigned count)
{
    int length;
    const fdt32_t *is = fdt_getprop(tree, node(tree, path), name, &length);
    assert_non_null(is);
    assert_int_equal(length, 4 * count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fdt32_to_cpu(is[i]), value[i]);
}
#define CELLS(tree, path, name, ...)                                                                                   \
    are_cells(tree, path, name, (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void is_compatible(const void *tree, const char *path, const char *with)
{
    assert_int_equal(fdt_node_check_compatible(tree, node(tree, path), with), 0);
}

static void has_flag(const void *tree, const char *path, const char *name)
{
    int length;
    assert_non_null(fdt_getprop(tree, node(tree, path), name, &length));
    assert_int_equal(length, 0);
}

static void test_what_every_board_has(void **state)
{
    (void)state;
    for (unsigned version = 2; version <= 3; version++) {
        const struct guest_dtb board = plain(version);
        void *tree = build(&board);
        CELLS(tree, "/", "#address-cells", 2);
        CELLS(tree, "/", "#size-cells", 2);
        CELLS(tree, "/", "interrupt-parent", 1);
        is_text(tree, "/memory@40000000", "device_type", "memory");
        CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x10000000);
        is_text(tree, "/chosen", "bootargs", "console=ttyAMA0");
        is_text(tree, "/chosen", "stdout-path", "/serial@9000000");
        is_text(tree, "/cpus/cpu@0", "device_type", "cpu");
        is_text(tree, "/cpus/cpu@0", "enable-method", "psci");
        CELLS(tree, "/cpus/cpu@0", "reg", 0);
        is_compatible(tree, "/psci", "arm,psci-1.0");
        is_compatible(tree, "/psci", "arm,psci-0.2");
        is_text(tree, "/psci", "method", "hvc");
        is_compatible(tree, "/serial@9000000", "arm,pl011");
        is_compatible(tree, "/serial@9000000", "arm,primecell");
        CELLS(tree, "/serial@9000000", "reg", 0, 0x9000000, 0, 0x1000);
        CELLS(tree, "/serial@9000000", "interrupts", 0, 1, 4);
        CELLS(tree, "/serial@9000000", "clocks", 2, 2);
        is_compatible(tree, "/rtc@9010000", "arm,pl031");
        CELLS(tree, "/rtc@9010000", "reg", 0, 0x9010000, 0, 0x1000);
        CELLS(tree, "/rtc@9010000", "interrupts", 0, 2, 4);
        CELLS(tree, "/clock-24000000", "clock-frequency", 24000000);
        CELLS(tree, "/clock-24000000", "phandle", 2);
        is_compatible(tree, "/timer", "arm,armv8-timer");
        uint32_t flags = version == 2 ? 0x104 : 4;
        CELLS(tree, "/timer", "interrupts", 1, 13, flags, 1, 14, flags, 1, 11, flags, 1, 10, flags);
        has_flag(tree, "/timer", "always-on");
        assert_null(fdt_getprop(tree, node(tree, "/chosen"), "linux,initrd-start", NULL));
        assert_null(fdt_getprop(tree, node(tree, "/chosen"), "rng-seed", NULL));
        free(tree);
    }
}

static void test_interrupt_controllers(void **state)
{
    (void)state;
    struct guest_dtb board = plain(2);
    void *tree = build(&board);
    is_compatible(tree, "/interrupt-controller@8000000", "arm,cortex-a15-gic");
    CELLS(tree, "/interrupt-controller@8000000", "reg", 0, 0x8000000, 0, 0x1000, 0, 0x8010000, 0, 0x2000);
    free(tree);
    board = plain(3);
    tree = build(&board);
    is_compatible(tree, "/interrupt-controller@8000000", "arm,gic-v3");
    CELLS(tree, "/interrupt-controller@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0x20000);
    CELLS(tree, "/interrupt-controller@8000000", "#interrupt-cells", 3);
    CELLS(tree, "/interrupt-controller@8000000", "phandle", 1);
    has_flag(tree, "/interrupt-controller@8000000", "interrupt-controller");
    free(tree);
}

static void test_memory_and_initrd(void **state)
{
    (void)state;
    struct guest_dtb board = plain(3);
    board.ram_bytes = UINT64_C(6) << 30;
    board.initrd_start = UINT64_C(0x123456000);
    board.initrd_end = UINT64_C(0x123456789);
    void *tree = build(&board);
    CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 1, 0x80000000);
    CELLS(tree, "/chosen", "linux,initrd-start", 1, 0x23456000);
    CELLS(tree, "/chosen", "linux,initrd-end", 1, 0x23456789);
    free(tree);
}

// RFC 8439, A.1, test vector 1: a key of zeros, in two halves.
static void test_seed(void **state)
{
    (void)state;
    static const uint8_t next_key[] = { 0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a,
                                        0xe5, 0x53, 0x86, 0xbd, 0x28, 0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d,
                                        0xed, 0x1a, 0xa8, 0x36, 0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7 };
    static const uint8_t given[] = { 0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d, 0x77, 0x24, 0xe0,
                                     0x3f, 0xb8, 0xd8, 0x4a, 0x37, 0x6a, 0x43, 0xb8, 0xf4, 0x15, 0x18,
                                     0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86 };
    uint8_t key[SEED_BYTES] = { 0 }, first[SEED_BYTES], second[SEED_BYTES];
    guest_seed_take(key, first);
    assert_memory_equal(key, next_key, SEED_BYTES);
    assert_memory_equal(first, given, SEED_BYTES);
    guest_seed_take(key, second);
    assert_memory_not_equal(first, second, SEED_BYTES);
    assert_memory_not_equal(key, next_key, SEED_BYTES);

    struct guest_dtb board = plain(3);
    board.seed = given;
    void *tree = build(&board);
    int length;
    const void *shown = fdt_getprop(tree, node(tree, "/chosen"), "rng-seed", &length);
    assert_int_equal(length, SEED_BYTES);
    assert_memory_equal(shown, given, SEED_BYTES);
    free(tree);
}

// Every length up to the longest that a VM line can have; far beyond it the tree does not fit, and says so.
static void test_command_lines(void **state)
{
    (void)state;
    static char line[16384];
    unsigned refused = 0;
    for (unsigned length = 0; length < sizeof(line) - 1; length += length < 64 ? 1 : 61) {
        memset(line, 'x', length);
        line[length] = 0;
        struct guest_dtb board = plain(3);
        board.cmdline = line;
        board.initrd_start = 1;
        void *tree = malloc(TREE);
        assert_non_null(tree);
        bool built = guest_dtb_build(&board, tree);
        assert_true(built || length > 4096);
        if (built)
            is_text(tree, "/chosen", "bootargs", line);
        refused += !built;
        free(tree);
    }
    assert_true(refused > 0);
}

static void test_dump(void **state)
{
    (void)state;
    const char *folder = getenv("DTB_DUMP");
    for (unsigned version = 2; folder != NULL && version <= 3; version++) {
        struct guest_dtb board = plain(version);
        char name[256];
        board.initrd_start = version == 3 ? RAM + 128 * MIB : 0;
        board.initrd_end = version == 3 ? RAM + 130 * MIB : 0;
        void *tree = build(&board);
        snprintf(name, sizeof(name), "%s/gicv%u.dtb", folder, version);
        FILE *file = fopen(name, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(tree, 1, fdt_totalsize(tree), file), fdt_totalsize(tree));
        fclose(file);
        free(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_every_board_has), cmocka_unit_test(test_interrupt_controllers),
        cmocka_unit_test(test_memory_and_initrd),    cmocka_unit_test(test_command_lines),
        cmocka_unit_test(test_seed),                 cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests_name("guest device tree", tests, NULL, NULL);
}
