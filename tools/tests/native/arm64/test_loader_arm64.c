// SPDX-License-Identifier: MIT
// The arm64 loader: where an Image, a flat image, an initrd and the device tree come to lie in guests of every size, a
// sentence for each image that cannot be run, and random damage, which never reaches beyond a buffer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#include "tools/tests/native/host.h"
#include "vmm/virt/dtb.h"
#include "vmm/loader.h"

#define BASE      UINT64_C(0x40000000)
#define RAM_BYTES (16 * MIB)
#define BLOCK_BYTES MIB
#define FILL      0xa5

static uint8_t image[32768];
static uint64_t image_bytes;
static struct loader_input input;
static struct entry_state entry;
static struct refusal refusal;
static struct guest_ram ram;

static void put(uint64_t at, uint64_t value, unsigned bytes)
{
    memcpy(image + at, &value, bytes);
}

static void fresh(uint64_t bytes)
{
    for (uint64_t i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i * 7 + 1);
    image_bytes = bytes;
    input = (struct loader_input){ .cmdline = "" };
}

// 12 KiB of code that needs 64 KiB.
static void linux_image(void)
{
    fresh(12 * KIB);
    put(0x08, 0, 8);
    put(0x10, 64 * KIB, 8);
    put(0x18, 0xa, 8);
    memcpy(image + 0x38, "ARM\x64", 4);
}

static void flat_image(void)
{
    fresh(12 * KIB);
    put(0, 0xd503201f, 4);
}

// RAM of its exact size: the sanitizer sees each byte too many, on both sides. A small one lies at the end of a block
// that stays, because fresh memory costs the sanitizer more than the loader.
static uint8_t *fresh_ram(uint64_t bytes)
{
    static uint8_t *block, *large;
    free(large);
    large = NULL;
    if (bytes > BLOCK_BYTES)
        return large = malloc(bytes);
    if (block == NULL)
        block = malloc(BLOCK_BYTES);
    assert_non_null(block);
    ASAN_POISON_MEMORY_REGION(block, BLOCK_BYTES - bytes);
    ASAN_UNPOISON_MEMORY_REGION(block + BLOCK_BYTES - bytes, bytes);
    return block + BLOCK_BYTES - bytes;
}

// From a copy of its exact size.
static bool load_into(uint64_t ram_bytes)
{
    uint8_t *copy = malloc(image_bytes != 0 ? image_bytes : 1);
    ram = (struct guest_ram){ .host = fresh_ram(ram_bytes), .size = ram_bytes, .base = BASE };
    assert_non_null(copy);
    assert_non_null(ram.host);
    memcpy(copy, image, image_bytes);
    memset(ram.host, FILL, ram_bytes);
    refusal.text[0] = 0;
    input.kernel = (struct image){ .data = copy, .size = image_bytes, .name = "k.img" };
    bool loaded = loader_load(&input, ram, &entry, &refusal);
    assert_int_equal(loaded, refusal.text[0] == 0);
    free(copy);
    return loaded;
}

static void accepted(uint64_t ram_bytes)
{
    if (!load_into(ram_bytes))
        fail_msg("refused: %s", refusal.text);
}

// All bytes are as the first one, which is FILL.
static void untouched(uint64_t from, uint64_t to)
{
    const uint8_t *at = ram.host + (from - BASE);
    if (from < to && (at[0] != FILL || memcmp(at, at + 1, to - from - 1) != 0))
        fail_msg("guest memory between %#llx and %#llx was written", (unsigned long long)from, (unsigned long long)to);
}

static void refused_in(uint64_t ram_bytes, const char *sentence)
{
    assert_false(load_into(ram_bytes));
    assert_string_equal(refusal.text, sentence);
    untouched(BASE, BASE + ram_bytes);
}

static void refused(const char *sentence)
{
    refused_in(RAM_BYTES, sentence);
}

static void check_kernel(uint64_t at)
{
    assert_int_equal(entry.mode, ENTRY_EL1);
    assert_int_equal(entry.pc, at);
    assert_memory_equal(ram.host + (at - BASE), image, image_bytes);
}

static void test_linux(void **state)
{
    (void)state;
    linux_image();
    accepted(RAM_BYTES);
    check_kernel(BASE);
    assert_string_equal(entry.format, "Linux Image for arm64");
    assert_int_equal(entry.x0, BASE + 8 * MIB); // in the middle
    assert_int_equal(entry.initrd_start, entry.initrd_end);
    untouched(BASE + image_bytes, BASE + RAM_BYTES);
    put(0x08, 0x80000, 8); // as kernels had it until 5.8
    accepted(RAM_BYTES);
    check_kernel(BASE + 0x80000);
    untouched(BASE, BASE + 0x80000);
}

static void test_flat(void **state)
{
    (void)state;
    flat_image();
    accepted(RAM_BYTES);
    check_kernel(BASE + 0x80000);
    assert_string_equal(entry.format, "flat image");
    assert_int_equal(entry.x0, BASE + 8 * MIB);
    image_bytes = 4; // one instruction is a kernel
    accepted(RAM_BYTES);
    image_bytes = 0x3f; // too short for a header, whatever is in it
    accepted(RAM_BYTES);
    check_kernel(BASE + 0x80000);
}

// As much as fits: the tree is always behind the kernel, 8-byte aligned, whole, and in no 2 MiB block that it shares
// with more than it must.
static void test_every_size_of_memory(void **state)
{
    (void)state;
    unsigned loaded = 0;
    for (uint64_t bytes = PAGE_SIZE; bytes <= 4 * MIB; bytes += 12 * PAGE_SIZE) {
        for (unsigned flat = 0; flat < 2; flat++) {
            flat ? flat_image() : linux_image();
            uint64_t end = flat ? 0x80000 + image_bytes + MIB : 64 * KIB;
            bool fits = end + GUEST_DTB_BYTES <= bytes;
            assert_int_equal(load_into(bytes), fits);
            if (!fits)
                continue;
            assert_true(entry.x0 >= BASE + end && entry.x0 + GUEST_DTB_BYTES <= BASE + bytes);
            assert_int_equal(entry.x0 % 8, 0);
            loaded++;
        }
    }
    assert_true(loaded > 50);
}

static void test_tree_in_large_memory(void **state)
{
    (void)state;
    linux_image();
    accepted(300 * MIB);
    assert_int_equal(entry.x0, BASE + 128 * MIB);
    put(0x10, 200 * MIB, 8); // a kernel that reaches further
    accepted(300 * MIB);
    assert_int_equal(entry.x0, BASE + 200 * MIB);
    put(0x10, 201 * MIB, 8);
    accepted(300 * MIB);
    assert_int_equal(entry.x0, BASE + 202 * MIB);
}

// Two archives are one initrd, the second at a multiple of four; the tree is behind it.
static void test_initrd(void **state)
{
    (void)state;
    static const uint8_t first[] = "first archive", second[] = "second";
    for (unsigned flat = 0; flat < 2; flat++) {
        flat ? flat_image() : linux_image();
        input.module_count = 2;
        input.module[0] = (struct image){ .data = first, .size = 13, .name = "a" };
        input.module[1] = (struct image){ .data = second, .size = 6, .name = "b" };
        accepted(RAM_BYTES);
        assert_int_equal(entry.initrd_start, BASE + 8 * MIB);
        assert_int_equal(entry.initrd_end, BASE + 8 * MIB + 22);
        const uint8_t *at = ram.host + 8 * MIB;
        assert_memory_equal(at, first, 13);
        assert_memory_equal(at + 16, second, 6);
        assert_int_equal(entry.x0, BASE + 10 * MIB);
        untouched(BASE + 8 * MIB + 22, BASE + RAM_BYTES);
    }
    input.module[0].size = input.module[1].size = 0; // empty ones are none
    accepted(RAM_BYTES);
    assert_int_equal(entry.initrd_end, 0);
}

static void test_large_initrd(void **state)
{
    (void)state;
    static uint8_t archive[12 * MIB];
    linux_image();
    input.module_count = 1;
    input.module[0] = (struct image){ .data = archive, .size = sizeof(archive), .name = "a" };
    accepted(RAM_BYTES); // not in the middle: behind the kernel
    assert_int_equal(entry.initrd_start, BASE + 64 * KIB);
    assert_true(entry.x0 >= entry.initrd_end);
    refused_in(8 * MIB, "the initrd has 12288 KiB and does not fit behind the kernel, which ends at 64 KiB of 8192 KiB "
                        "(mem=)");
    refused_in(12 * MIB + 64 * KIB, "no 8 KiB of guest memory are left for the device tree; give the VM more (mem=)");
    accepted(12 * MIB + 64 * KIB + GUEST_DTB_BYTES);
    assert_int_equal(entry.x0, BASE + 12 * MIB + 64 * KIB);
}

static void test_refuses_foreign_files(void **state)
{
    static const struct {
        uint64_t at;
        const char *bytes;
        size_t length;
        const char *sentence;
    } rows[] = {
        { 0, "\x1f\x8b\x08", 3, "k.img is gzip-compressed; unpack it first (gunzip)" },
        { 0, "\x28\xb5\x2f\xfd", 4, "k.img is zstd-compressed; unpack it first (unzstd)" },
        { 0, "#!/bin/sh\n", 10, "k.img is a script, not a kernel" },
        { 0, "MZ\0\0zimg", 8, "k.img is a compressed EFI kernel (zboot); take the Image that is inside" },
        { 0, "MZ\x90\0", 4, "k.img is a PE program (Windows, EFI); expected a Linux Image or a flat image" },
        { 0, "\x7f" "ELF\2\1", 6, "k.img is an ELF file; make a flat image of it (objcopy -O binary)" },
        { 0x202, "HdrS", 4, "k.img is a Linux bzImage for x86: expected an Image for arm64" },
        { 0x24, "\x18\x28\x6f\x01", 4, "k.img is a Linux zImage for 32-bit Arm: expected an Image for arm64" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        flat_image();
        memcpy(image + rows[i].at, rows[i].bytes, rows[i].length);
        refused(rows[i].sentence);
        image_bytes = rows[i].at + rows[i].length; // nothing else of it is looked at
        refused(rows[i].sentence);
    }
    flat_image();
    image_bytes = 0;
    refused("k.img is empty");
    flat_image();
    memset(image, 'a', image_bytes);
    refused("k.img is a text file, not a kernel");
    flat_image();
    input.module_count = LOADER_MODULES_MAX + 1;
    refused("17 modules are given; at most 16 are possible");
    flat_image();
    refused_in(256 * KIB, "k.img wants 12 KiB at 0x40080000, but the VM has 256 KiB (mem=)");
    refused_in(520 * KIB, "k.img needs 524 KiB of guest memory, but the VM has 520 KiB (mem=)");
}

static void test_refuses_bad_headers(void **state)
{
    (void)state;
    linux_image();
    put(0x18, 0xb, 8);
    refused("k.img is a big-endian kernel; expected a little-endian one");
    linux_image();
    put(0x10, 0, 8);
    refused("k.img does not say how much memory it needs (image_size is 0); expected Linux 3.17 or later");
    linux_image();
    put(0x10, image_bytes - 1, 8);
    refused("k.img is damaged: it has 12288 bytes but claims to need 12287 (image_size)");
    linux_image();
    put(0x08, 0x80002, 8);
    refused("k.img is damaged: its text_offset is 0x80002, where no instruction can be");
    linux_image();
    put(0x10, 17 * MIB, 8);
    refused("k.img needs 17408 KiB of guest memory, but the VM has 16384 KiB (mem=)");
    linux_image();
    put(0x08, 17 * MIB, 8);
    refused("k.img wants 64 KiB at 0x41100000, but the VM has 16384 KiB (mem=)");
    linux_image();
    put(0x08, UINT64_C(0) - BASE - 0x1000, 8); // the sum with the RAM's base is near the end of all addresses,
    refused("k.img wants 64 KiB at 0xfffffffffffff000, but the VM has 16384 KiB (mem=)");
    put(0x08, UINT64_C(0) - BASE + 0x1000, 8); // and beyond it
    refused("k.img wants 64 KiB at 0x1000, but the VM's memory begins at 0x40000000");
    linux_image();
    put(0x10, UINT64_MAX, 8);
    assert_false(load_into(RAM_BYTES));
}

// Whatever the header says, the kernel lies in RAM where it says, and tree and initrd beside it; or nothing is written.
static void test_random_headers(void **state)
{
    (void)state;
    static const uint8_t archive[5000];
    uint64_t random = 97, loaded = 0;
    for (unsigned i = 0; i < 30000; i++) {
        host_random(&random) & 7 ? linux_image() : flat_image();
        image_bytes = host_random_range(&random, 0, 400);
        input.module_count = host_random(&random) & 1;
        input.module[0] = (struct image){ .data = archive, .size = sizeof(archive), .name = "a" };
        for (uint64_t n = host_random_range(&random, 1, 4); n > 0; n--)
            put(8 * host_random_range(&random, 0, 7), host_random_edgy(&random) >> (host_random(&random) & 15), 8);
        if (host_random(&random) & 7)
            memcpy(image + 0x38, "ARM\x64", 4);
        uint64_t ram_bytes = host_random_range(&random, 1, 160) * PAGE_SIZE;
        if (!load_into(ram_bytes)) {
            untouched(BASE, BASE + ram_bytes);
            continue;
        }
        loaded++;
        check_kernel(entry.pc);
        assert_true(entry.x0 >= BASE && entry.x0 + GUEST_DTB_BYTES <= BASE + ram_bytes);
        assert_true(entry.x0 >= entry.initrd_end || entry.x0 + GUEST_DTB_BYTES <= entry.initrd_start);
        assert_true(entry.x0 >= entry.pc + image_bytes);
        assert_int_equal(entry.initrd_end - entry.initrd_start, input.module_count * sizeof(archive));
    }
    assert_true(loaded > 1000);
    print_message("# random headers: %llu of 30000 loaded\n", (unsigned long long)loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_every_size_of_memory),
        cmocka_unit_test(test_tree_in_large_memory),
        cmocka_unit_test(test_initrd),
        cmocka_unit_test(test_large_initrd),
        cmocka_unit_test(test_refuses_foreign_files),
        cmocka_unit_test(test_refuses_bad_headers),
        cmocka_unit_test(test_random_headers),
    };
    return cmocka_run_group_tests_name("loader arm64", tests, NULL, NULL);
}
