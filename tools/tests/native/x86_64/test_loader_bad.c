// SPDX-License-Identifier: MIT
// Loaders, the bad cases: each kind of bad image is refused with its own sentence, and random damage never reaches
// beyond a buffer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/x86_64/guest_image.h"
#include "tools/tests/native/host.h"

static void test_refuses_foreign_files(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *sentence;
    } rows[] = {
        { "", 0, "k.elf is empty" },
        { "\x1f\x8b\x08", 3, "k.elf is gzip-compressed; unpack it first (gunzip)" },
        { "\xfd"
          "7zXZ\0",
          6, "k.elf is xz-compressed; unpack it first (unxz)" },
        { "\x28\xb5\x2f\xfd", 4, "k.elf is zstd-compressed; unpack it first (unzstd)" },
        { "BZh9", 4, "k.elf is bzip2-compressed; unpack it first (bunzip2)" },
        { "#!/bin/sh\n", 10, "k.elf is a script, not a kernel" },
        { "!<arch>\n", 8, "k.elf is a library archive, not a kernel" },
        { "MZ\x90", 3, "k.elf is a PE program (Windows, EFI); expected multiboot1, ELF64 or Linux bzImage" },
        { "hello, world\n", 13, "k.elf is a text file, not a kernel" },
        { "\x01\x02", 2, "k.elf has no known format: no multiboot1 header in its first 8 KiB, and it is not ELF" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fresh_image();
        memcpy(image, rows[i].bytes, rows[i].length);
        image_bytes = rows[i].length;
        refused(rows[i].sentence);
    }
    fresh_image();
    memcpy(image + 0x38, "ARM\x64", 4);
    refused("k.elf is an arm64 Linux image: expected multiboot1, ELF64 or Linux bzImage for x86");
    elf64_image();
    put32(0x1000, 0xe85250d6);
    put32(0x1004, 0);
    put32(0x1008, 16);
    put32(0x100c, 0u - 0xe85250d6u - 16u);
    refused("k.elf has a multiboot2 header: expected multiboot1, ELF64 or Linux bzImage");
}

static void test_refuses_wrong_machines(void **state)
{
    (void)state;
    elf64_image();
    put16(18, 183);
    refused("k.elf is for AArch64 (ELF machine 183); expected x86 or x86-64");
    elf32_image();
    put16(18, 40);
    refused("k.elf is for 32-bit ARM (ELF machine 40); expected x86 or x86-64");
    elf64_image();
    put16(18, 999);
    refused("k.elf is for another machine (ELF machine 999); expected x86 or x86-64");
    elf64_image();
    image[5] = 2;
    refused("k.elf is big-endian; expected little-endian x86");
    elf64_image();
    image[4] = 3;
    refused("k.elf is damaged: ELF class 3 is neither 32-bit nor 64-bit");
    elf64_image();
    put16(16, 1);
    refused("k.elf is ELF of type 1, not a linked executable");
    elf64_image();
    put32(64, 3);
    refused("k.elf is a program for an operating system (it asks for an interpreter), not a kernel");
    elf32_image();
    put32(0x1000, 0);
    refused("k.elf is a 32-bit ELF without a multiboot1 header in its first 8 KiB");
}

static void test_refuses_bad_headers(void **state)
{
    (void)state;
    elf32_image();
    put32(0x1008, 1);
    refused("k.elf has a multiboot1 header with a wrong checksum at offset 4096");
    elf32_image();
    mb_header(0x1000, 0x13);
    refused("k.elf requires multiboot1 features (flag bits 0x10) that this version does not have");
    elf32_image();
    mb_header(0x1000, 7); // a video mode is asked for: booted without one
    accepted();
    elf32_image();
    image[0] = 0;
    refused("k.elf has a multiboot1 header without address fields, but is not ELF");
    fresh_image();
    mb_header(8192 - 8, 0); // does not fit into the first 8 KiB
    refused("k.elf has no known format: no multiboot1 header in its first 8 KiB, and it is not ELF");
    fresh_image();
    mb_header(8192 - 12, 0x10000);
    refused("k.elf is truncated: its multiboot1 header at offset 8180 has no room for the address fields");
}

static void test_refuses_truncation(void **state)
{
    (void)state;
    elf64_image();
    image_bytes = 19;
    refused("k.elf is truncated: it ends inside the ELF header, after 19 bytes");
    image_bytes = 63;
    refused("k.elf is truncated: it ends inside the ELF header, after 63 bytes");
    image_bytes = 64 + 2 * 56 - 1;
    refused("k.elf is truncated: its 2 program headers at offset 64 are not in its 175 bytes");
    image_bytes = 0x2000 + 0x3ff;
    refused("k.elf is truncated: segment 1 has 1024 bytes at offset 8192, the file has 9215");
    image_bytes = 0x2000 + 0x400;
    accepted();
    elf64_image();
    put64(32, UINT64_MAX - 10);
    refused("k.elf is truncated: its 2 program headers at offset 18446744073709551605 are not in its 16384 bytes");
    elf64_image();
    put64(64 + 8, UINT64_MAX);
    refused("k.elf is truncated: segment 0 has 4096 bytes at offset 18446744073709551615, the file has 16384");
    flat_image();
    image_bytes = 0x17ff;
    refused("k.elf is truncated: its multiboot1 header asks for 6144 bytes at offset 0, the file has 6143");
}

static void test_refuses_bad_segments(void **state)
{
    (void)state;
    elf64_image();
    put16(54, 32);
    refused("k.elf is damaged: its program headers have 32 bytes each, expected 56");
    elf64_image();
    put16(56, 0);
    refused("k.elf has no segment to load");
    elf64_image();
    phdr64(1, 0x2000, 0x101000, 0x400, 0x3ff);
    refused("k.elf is damaged: segment 1 has 1024 bytes in the file but only 1023 in memory");
    elf64_image();
    phdr64(1, 0x2000, 0x100fff, 0x400, 0x2000);
    refused("k.elf is damaged: its segments at 0x100000 and 0x100fff overlap");
    elf64_image();
    phdr64(1, 0x2000, 0x800, 0x400, 0x2000);
    refused("k.elf wants to be loaded at 0x800-0x27ff, over page zero; link it at 1 MiB or above");
    elf64_image();
    phdr64(1, 0x2000, 0x9f000, 0x400, 0x2000);
    refused("k.elf wants to be loaded at 0x9f000-0xa0fff, over the BIOS area 0x9fc00-0xfffff");
    elf64_image();
    put64(24, 0x103000);
    refused("k.elf is damaged: its entry 0x103000 is outside of what it loads");
    elf64_image();
    for (unsigned i = 2; i < 33; i++)
        phdr64(i, 0, 0x110000 + 0x1000 * (uint64_t)i, 1, 1);
    refused("k.elf has more than 32 segments to load");
    put16(56, 32);
    accepted();
}

static void test_refuses_what_does_not_fit(void **state)
{
    static const uint8_t module[1] = { 0 };

    (void)state;
    elf64_image();
    phdr64(1, 0x2000, 0x101000, 0x400, RAM_BYTES - 0x101000 + 1);
    refused("k.elf needs 4097 KiB of guest memory, but the VM has 4096 KiB (mem=)");
    phdr64(1, 0x2000, 0x101000, 0x400, RAM_BYTES - 0x101000);
    accepted();
    input.module[0] = (struct image){ module, 1, "m" };
    input.module_count = 1;
    refused("module m has 1 KiB and does not fit above the kernel; the VM has 4096 KiB (mem=)");
    input.module_count = 17;
    refused("17 modules are given; at most 16 are possible");
    elf64_image();
    phdr64(1, 0x2000, UINT64_MAX - 4095, 0x400, 0x2000);
    refused("k.elf wants 8 KiB at 0xfffffffffffff000, but the VM has 4096 KiB (mem=)");
    phdr64(1, 0x2000, 0x101000, 0x400, UINT64_MAX);
    refused("k.elf wants 18014398509481984 KiB at 0x101000, but the VM has 4096 KiB (mem=)");
    struct guest_ram whole = ram;
    ram.size = MIB - 4096;
    refused("the VM has 1020 KiB of memory; a PC needs at least 1024 KiB");
    ram = whole;
}

static void test_refuses_bad_address_fields(void **state)
{
    (void)state;
    flat_image();
    put32(32, 0x100011);
    refused("k.elf is damaged: its multiboot1 header at 0x100010 cannot belong to a load address of 0x100011");
    flat_image();
    put32(28, 0x100011); // would begin before the file
    refused("k.elf is damaged: its multiboot1 header at 0x100011 cannot belong to a load address of 0x100000");
    flat_image();
    put32(36, 0x100000);
    refused("k.elf is damaged: multiboot1 addresses out of order: load 0x100000, load end 0x100000, bss end 0x104000");
    flat_image();
    put32(40, 0x101000);
    refused("k.elf is damaged: multiboot1 addresses out of order: load 0x100000, load end 0x101800, bss end 0x101000");
    flat_image();
    put32(44, 0x104000);
    refused("k.elf is damaged: its entry 0x104000 is outside of what it loads");
    flat_image();
    put32(40, 0xffffffff);
    refused("k.elf needs 4194304 KiB of guest memory, but the VM has 4096 KiB (mem=)");
}

// Random damage, mostly in the headers: whatever comes, no byte outside of the buffers is touched, an accepted image
// has its entry inside of RAM, and what the guest must find untouched is untouched.
static void test_random_damage(void **state)
{
    static const uint8_t module[100];
    uint64_t seed = 4, n = 240000, good = 0;
    struct guest_ram whole = ram;

    (void)state;
    for (uint64_t i = 0; i < n; i++) {
        if (i % 3 == 0) {
            memset(image, 0, 256);
            ram = (struct guest_ram){ .host = ram.host, .size = 1 * MIB + 128 * KIB };
            (void (*[])(void)){ elf32_image, elf64_image, flat_image }[host_random_range(&seed, 0, 2)]();
            image_bytes = 12288;
        }
        for (uint64_t k = host_random_range(&seed, 1, 3); k > 0; k--) {
            uint64_t at = host_random_range(&seed, 0, 3) == 0 ? 0x1000 + host_random_range(&seed, 0, 48)
                                                              : host_random_range(&seed, 0, 180);
            if (host_random_range(&seed, 0, 1))
                put32(at & ~UINT64_C(3), (uint32_t)host_random_edgy(&seed));
            else
                image[at] = (uint8_t)host_random(&seed);
        }
        if (host_random_range(&seed, 0, 7) == 0)
            image_bytes = host_random_range(&seed, 0, 12288);
        input.module[0] = (struct image){ module, host_random_range(&seed, 0, sizeof(module)), "m" };
        input.module_count = (unsigned)host_random_range(&seed, 0, 1);
        if (!load())
            continue;
        good++;
        assert_true(entry.pc < ram.size && entry.rbx < ram.size && ram32(entry.rbx + 4) == 639);
        assert_filled(0, 0x100, 0xcc);
        assert_filled(0xa0000, 0xa0100, 0xcc);
    }
    ram = whole;
    assert_true(good > 1000 && good < n);
    print_message("# %lu damaged images, %lu still loadable\n", (unsigned long)n, (unsigned long)good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_foreign_files),      cmocka_unit_test(test_refuses_wrong_machines),
        cmocka_unit_test(test_refuses_bad_headers),        cmocka_unit_test(test_refuses_truncation),
        cmocka_unit_test(test_refuses_bad_segments),       cmocka_unit_test(test_refuses_what_does_not_fit),
        cmocka_unit_test(test_refuses_bad_address_fields), cmocka_unit_test(test_random_damage),
    };
    ram = (struct guest_ram){ .host = malloc(RAM_BYTES), .size = RAM_BYTES };
    int failed = cmocka_run_group_tests_name("loader_bad", tests, NULL, NULL);
    free(ram.host);
    return failed;
}
