// SPDX-License-Identifier: MIT
// The device tree that the loader for UEFI on arm64 hands over, read again by the monitor's own reader: words, modules
// in their order, screens, time, chance, memory; trees of firmware that are damaged or of no use; the image's header.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/arm64/dtb.h"
#include "boot/arm64/simplefb.h"
#include "boot/efi/arm64/image.h"
#include "boot/efi/arm64/tree.h"
#include "tools/tests/native/arm64/dtb_writer.h"
#include "tools/tests/native/host.h"

#include <libfdt.h>

#define ROUNDS     20000
#define ROOM_BYTES (2 * TREE_BYTES)

static _Alignas(8) uint8_t room[ROOM_BYTES];
static struct tree tree;
static struct dtb dtb;
static struct refusal refusal;

static const struct boot_screen screen = {
    .kind = BOOT_SCREEN_PIXELS, .address = 0x5c000000, .pitch = 4096, .width = 1024, .height = 768, .bits = 32,
    .red = { 16, 8 }, .green = { 8, 8 }, .blue = { 0, 8 },
};

// What QEMU's -kernel would have said of modules and memory, and must not any more.
static void firmware_tree(void)
{
    begin_tree();
    psci("smc");
    memory("memory@40000000", 0x40000000, 0x20000000);
    memory("memory@80000000", 0x80000000, 0x20000000);
    gic3();
    timer();
    begin("chosen");
    string("bootargs", "of the firmware");
    string("stdout-path", "/pl011@9000000");
    MODULE(0x51000000, 0x200, RAMDISK, NULL);
    MODULE(0x50000000, 0x100, KERNEL, "vm=old");
    end();
    end_tree();
}

static const char *open_tree(uint32_t bytes)
{
    return tree_open(&tree, room, bytes, built);
}

static void add_memory(void)
{
    tree_memory_begin(&tree);
    tree_memory_add(&tree, 0x50000000, 0x1000);
    tree_memory_add(&tree, 0x60000000, 0x1000000);
    tree_memory_add(&tree, 0x50001000, 0x5000000); // goes on
    tree_memory_add(&tree, 0x40000000, 0x1000000);
    tree_memory_add(&tree, 0x30000000, 0);
    tree_memory_add(&tree, 0x4f000000, 0x1000000); // ends where another begins
}

static void fill(void)
{
    const uint8_t seed[SEED_BYTES] = "the 32 bytes of chance of a tree";
    tree_words(&tree, "a loader", "screen=on");
    tree_module(&tree, 0x54000000, 0x30, "moduleless=1"); // a kernel's line, though an odd one
    tree_module(&tree, 0x50000000, 0x20, "module");
    tree_module(&tree, 0x51000000, 0x10, "module initramfs.gz of it");
    tree_module(&tree, 0x53000000, 0x123, "vm=a mem=16M -- hello");
    assert_null(tree_screen(&tree, &screen));
    tree_time(&tree, 1796072999, 0x123456789a);
    tree_seed(&tree, seed, sizeof(seed));
    add_memory();
}

static bool read_tree(void)
{
    memset(&refusal, 0, sizeof(refusal));
    return dtb_read(room, ROOM_BYTES, &dtb, &refusal);
}

static void expect_range(unsigned index, uint64_t start, uint64_t stop, enum memory_type type)
{
    assert_int_equal(dtb.boot.memory[index].start, start);
    assert_int_equal(dtb.boot.memory[index].end, stop);
    assert_int_equal(dtb.boot.memory[index].type, type);
}

static void expect_screen(const struct boot_screen *expected)
{
    const struct boot_screen *found = &dtb.boot.screen;
    assert_int_equal(found->kind, expected->kind);
    assert_int_equal(found->address, expected->address);
    assert_int_equal(found->pitch, expected->pitch);
    assert_int_equal(found->width, expected->width);
    assert_int_equal(found->height, expected->height);
    assert_int_equal(found->bits, expected->bits);
    assert_memory_equal(&found->red, &expected->red, 3 * sizeof(found->red)); // and green, and blue
}

static void whole(void **state)
{
    (void)state;
    firmware_tree();
    assert_null(open_tree(ROOM_BYTES));
    fill();
    assert_null(tree_memory_end(&tree));
    assert_null(tree_memory_end(&tree)); // the map is taken again
    uint32_t bytes = tree_close(&tree);
    assert_true(bytes < TREE_BYTES && bytes == fdt_totalsize(room));
    assert_true(read_tree());
    assert_string_equal(dtb.boot.loader, "a loader");
    assert_true(dtb.boot.is_uefi);
    assert_string_equal(dtb.boot.cmdline, "screen=on");
    assert_int_equal(dtb.boot.module_count, 4);
    static const uint64_t at[] = { 0x53000000, 0x51000000, 0x50000000, 0x54000000 };
    static const char *const words[] = { "vm=a mem=16M -- hello", "module initramfs.gz of it", "module ",
                                         "moduleless=1" };
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(dtb.boot.modules[i].start.value, at[i]);
        assert_string_equal(dtb.boot.modules[i].string, words[i]);
    }
    assert_int_equal(dtb.boot.modules[0].size, 0x123);
    expect_screen(&screen);
    assert_int_equal(dtb.board.start_seconds, 1796072999);
    assert_int_equal(dtb.board.start_counter, 0x123456789a);
    assert_true(dtb.board.has_seed);
    assert_int_equal(dtb.board.gic_version, 3); // what was there
    assert_int_equal(dtb.boot.memory_count, 4);
    expect_range(0, 0x40000000, 0x41000000, MEMORY_USABLE);
    expect_range(1, 0x4f000000, 0x55001000, MEMORY_USABLE);
    expect_range(2, 0x60000000, 0x61000000, MEMORY_USABLE);
    expect_range(3, 0x44000000, 0x44001000, MEMORY_KEPT);
}

// A tree with nothing but its root and chance of its own.
static void small(void **state)
{
    (void)state;
    begin_tree();
    begin("chosen");
    bytes("rng-seed", "the firmware's 32 bytes of chance", SEED_BYTES);
    end();
    end_tree();
    assert_null(open_tree(ROOM_BYTES));
    fill();
    assert_null(tree_memory_end(&tree));
    assert_true(read_tree());
    assert_memory_equal(dtb.board.seed, "the firmware's", 14);
    assert_int_equal(dtb.boot.module_count, 4);
}

static void of_no_use(void **state)
{
    (void)state;
    firmware_tree();
    for (uint32_t bytes = 0; bytes < fdt_totalsize(built); bytes += 8)
        assert_string_equal(open_tree(bytes), "the firmware's device tree is too large");
    uint32_t needed = fdt_totalsize(built);
    for (uint32_t bytes = needed; bytes < needed + 400; bytes += 8) { // what is added does not fit
        if (open_tree(bytes) != NULL)
            continue;
        fill();
        assert_string_equal(tree_memory_end(&tree), "the boot information does not fit into the device tree");
    }
    built[3] ^= 1;
    assert_string_equal(open_tree(ROOM_BYTES), "the firmware's device tree is damaged");
    begin_tree();
    bus_cells(1, 1);
    end_tree();
    fdt_setprop_inplace_u32(built, 0, "#size-cells", 1);
    assert_string_equal(open_tree(ROOM_BYTES), "the root of the firmware's device tree has addresses or sizes that are "
                                               "not of two cells");
    firmware_tree();
    assert_null(open_tree(ROOM_BYTES));
    tree_memory_begin(&tree);
    for (unsigned i = 0; i <= TREE_RANGES_MAX; i++)
        tree_memory_add(&tree, i * UINT64_C(0x2000), 0x1000);
    assert_string_equal(tree_memory_end(&tree), "the firmware leaves memory in too many pieces");
}

// Pieces of one address space in any order are those that a map of single pages has.
static void memory_by_pages(void **state)
{
    (void)state;
    uint64_t seed = 5;
    firmware_tree();
    for (unsigned round = 0; round < ROUNDS / 100; round++) {
        bool page[200] = { false };
        assert_null(open_tree(ROOM_BYTES));
        tree_memory_begin(&tree);
        for (unsigned i = 0; i < 40; i++) {
            uint64_t start = host_random(&seed) % 180, count = host_random(&seed) % 20;
            memset(page + start, true, count);
            tree_memory_add(&tree, start * 0x1000, count * 0x1000);
        }
        assert_null(tree_memory_end(&tree));
        assert_true(tree.range_count < 40);
        for (unsigned i = 0; i < tree.range_count; i++) {
            assert_true(i == 0 || tree.ranges[i - 1].end < tree.ranges[i].start);
            for (uint64_t at = tree.ranges[i].start; at < tree.ranges[i].end; at += 0x1000) {
                assert_true(page[at / 0x1000]);
                page[at / 0x1000] = false;
            }
        }
        for (unsigned i = 0; i < 200; i++)
            assert_false(page[i]);
    }
}

static void random_damage(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        firmware_tree();
        uint32_t size = fdt_totalsize(built);
        for (unsigned i = 0; i < 1 + round % 5; i++)
            built[host_random(&seed) % size] = (uint8_t)host_random(&seed);
        if (fdt_totalsize(built) > TREE_BYTES || open_tree(ROOM_BYTES) != NULL)
            continue;
        fill();
        if (tree_memory_end(&tree) == NULL && read_tree())
            assert_true(dtb.boot.module_count <= 4);
    }
}

// --- screens ---------------------------------------------------------------------------------------------------------

static bool screen_read(const struct boot_screen *from)
{
    firmware_tree();
    assert_null(open_tree(ROOM_BYTES));
    assert_null(tree_screen(&tree, from));
    add_memory();
    assert_null(tree_memory_end(&tree));
    assert_true(read_tree());
    return dtb.boot.screen.kind == BOOT_SCREEN_PIXELS;
}

static void screens(void **state)
{
    (void)state;
    static const char *const names[] = { "r5g6b5", "x1r5g5b5", "r8g8b8", "x8r8g8b8", "x8b8g8r8", "x2r10g10b10" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct boot_screen other = screen;
        assert_true(simplefb_read_format(names[i], &other));
        assert_string_equal(simplefb_format_of(&other), names[i]);
        assert_true(screen_read(&other));
        expect_screen(&other);
    }
    struct boot_screen nameless = screen, alpha = screen;
    nameless.blue.bits = 7;
    assert_string_equal(tree_screen(&tree, &nameless), "the screen's pixels have a layout that a device tree has no "
                                                       "name for: see the serial port");
    assert_true(simplefb_read_format("a8r8g8b8", &alpha));
    assert_string_equal(simplefb_format_of(&alpha), "x8r8g8b8"); // the same colours
    assert_false(simplefb_read_format("x8r8g8b", &alpha));
}

static void bad_screens(void **state)
{
    (void)state;
    struct boot_screen bad = screen;
    bad.address = BOOT_SCREEN_END - (uint64_t)screen.pitch * screen.height;
    assert_false(screen_read(&bad));
    bad.address = UINT64_MAX - 4096;
    assert_false(screen_read(&bad));
    bad = screen;
    bad.height = 65537;
    assert_false(screen_read(&bad));
    bad = screen;
    bad.height = UINT32_MAX;
    bad.pitch = UINT32_MAX;
    assert_false(screen_read(&bad));
    // More lines than its memory has; a name that nobody knows; one that is off; and one behind it that can be used.
    begin_tree();
    memory("memory", 0x40000000, 0x1000000);
    begin("chosen");
    for (unsigned i = 0; i < 4; i++) {
        const char *const node[] = { "short", "nameless", "off", "good" };
        begin(node[i]);
        COMPATIBLE("simple-framebuffer");
        cells("reg", 4, 0, 0x50000000 + i, 0, i == 0 ? 0xffff : 0x10000);
        cells("width", 1, 256);
        cells("height", 1, 64);
        cells("stride", 1, 1024);
        string("format", i == 1 ? "unknown" : "a8b8g8r8");
        string("status", i == 2 ? "disabled" : "okay");
        end();
    }
    end();
    end_tree();
    memcpy(room, built, fdt_totalsize(built));
    assert_true(read_tree());
    assert_int_equal(dtb.boot.screen.kind, BOOT_SCREEN_PIXELS);
    assert_int_equal(dtb.boot.screen.address, 0x50000003);
    assert_int_equal(dtb.boot.screen.red.at, 0);
    assert_int_equal(dtb.boot.screen.blue.at, 16);
}

// --- the image -------------------------------------------------------------------------------------------------------

static void image_header(void **state)
{
    (void)state;
    uint64_t header[8] = { 0, 0, 4096, 0xa, 0, 0, 0, 0x644d5241 }, bytes = 0;
    assert_null(image_read((const uint8_t *)header, sizeof(header), &bytes));
    assert_int_equal(bytes, 4096);
    for (size_t size = 0; size < sizeof(header); size++) {
        uint8_t *copy = malloc(size == 0 ? 1 : size);
        memcpy(copy, header, size);
        assert_non_null(image_read(copy, size, &bytes));
        free(copy);
    }
    static const struct {
        unsigned    at;
        uint64_t    value;
        const char *sentence;
    } wrong[] = {
        { 7, 0x644d5242, "it is not an arm64 image: it has no \"ARM\\x64\" at byte 56" },
        { 3, 0x2, "it is an arm64 image that does not run just anywhere in memory" },
        { 3, 0xb, "it is an arm64 image that does not run just anywhere in memory" },
        { 1, 0x80000, "it is an arm64 image that does not run just anywhere in memory" },
        { 2, 63, "its header says another size than it has" },
        { 2, UINT64_MAX, "its header says another size than it has" },
    };
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint64_t kept = header[wrong[i].at];
        header[wrong[i].at] = wrong[i].value;
        assert_string_equal(image_read((const uint8_t *)header, sizeof(header), &bytes), wrong[i].sentence);
        header[wrong[i].at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),         cmocka_unit_test(small),   cmocka_unit_test(of_no_use),
        cmocka_unit_test(memory_by_pages), cmocka_unit_test(random_damage), cmocka_unit_test(screens),
        cmocka_unit_test(bad_screens),   cmocka_unit_test(image_header),
    };
    return cmocka_run_group_tests_name("efi_tree", tests, NULL, NULL);
}
