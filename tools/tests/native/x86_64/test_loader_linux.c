// SPDX-License-Identifier: MIT
// Linux' 64-bit boot protocol: what the kernel finds at its entry, each kind of bad image and its sentence, and random
// damage that never reaches beyond a buffer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/x86_64/guest_image.h"
#include "tools/tests/native/host.h"

static uint8_t archive[3 * 4096];

static void give_module(unsigned index, uint64_t offset, uint64_t size)
{
    input.module[index] = (struct image){ archive + offset, size, "initrd" };
    input.module_count = index + 1;
}

static void test_kernel_at_its_place(void **state)
{
    (void)state;
    linux_image();
    accepted();
    assert_int_equal(entry.mode, ENTRY_LONG64);
    assert_string_equal(entry.format, "Linux bzImage");
    assert_true(entry.pc == 0x200200);
    assert_memory_equal(ram.host + 0x200000, image + 1024, 4096);
    assert_filled(0x201000, 0x210000, 0);
    assert_filled(0x210000, ram.size, 0xcc);
    assert_filled(0, 0x9000, 0xcc);
    assert_filled(0x9fc00, 0x200000, 0xcc);
    put64(0x258, 0x200001); // relocatable: to the next multiple of its alignment
    put32(0x230, 0x8000);
    accepted();
    assert_true(entry.pc == 0x208200);
    put64(0x258, 0x203000); // not relocatable: just there
    image[0x234] = 0;
    accepted();
    assert_true(entry.pc == 0x203200);
    linux_image();
    image[0x1f1] = 0; // means 4 sectors of setup code
    memmove(image + 2560, image + 1024, 4096);
    image_bytes = 2560 + 4096;
    accepted();
    assert_memory_equal(ram.host + 0x200000, image + 2560, 4096);
    image_bytes += 1000; // what a signature adds behind the kernel is not loaded
    accepted();
    assert_filled(0x201000, 0x210000, 0);
    image_bytes = 2560 + 4096 - 15; // a last paragraph that is short, as Debian's memtest86+ has
    accepted();
    assert_memory_equal(ram.host + 0x200000, image + 2560, 4096 - 15);
    assert_filled(0x200000 + 4096 - 15, 0x210000, 0);
}

static void assert_e820(uint64_t index, uint64_t start, uint64_t end, uint32_t type)
{
    uint64_t at = entry.rsi + 0x2d0 + 20 * index;

    assert_true(ram64(at) == start && ram64(at + 8) == end - start);
    assert_int_equal(ram32(at + 16), type);
}

static void test_zero_page(void **state)
{
    (void)state;
    linux_image();
    input.cmdline = "console=ttyS0 quiet";
    accepted();
    uint64_t zero = entry.rsi, length = strlen(input.cmdline) + 1;
    assert_true(zero % 16 == 0 && zero >= 0x9000 && zero + 4096 <= 0x9fc00);
    static const uint8_t screen_info[0x70] = { [6] = 3, [7] = 80, [14] = 25, [15] = 1, [16] = 16 };
    assert_memory_equal(ram.host + zero, screen_info, sizeof(screen_info));
    assert_true(ram64(zero + 0x70) == 0xe0000); // acpi_rsdp_addr
    assert_filled(zero + 0x78, zero + 0x1e8, 0);
    assert_int_equal(ram.host[zero + 0x1e8], 4);
    assert_filled(zero + 0x1e9, zero + 0x1f1, 0); // the sentinel among them
    assert_memory_equal(ram.host + zero + 0x1f1, image + 0x1f1, 0x210 - 0x1f1);
    assert_int_equal(ram.host[zero + 0x210], 0xff);
    assert_int_equal(ram.host[zero + 0x211], 1);
    assert_true(ram32(zero + 0x218) == 0 && ram32(zero + 0x21c) == 0);
    uint64_t cmdline = ram32(zero + 0x228);
    assert_true(cmdline >= zero + 4096 || cmdline + length <= zero);
    assert_string_equal((char *)ram.host + cmdline, input.cmdline);
    assert_memory_equal(ram.host + zero + 0x22c, image + 0x22c, 0x26c - 0x22c);
    assert_filled(zero + 0x26c, zero + 0x2d0, 0);
    assert_e820(0, 0, 0x9fc00, 1);
    assert_e820(1, 0x9fc00, 0xa0000, 2);
    assert_e820(2, 0xe0000, 0x100000, 2);
    assert_e820(3, 0x100000, RAM_BYTES, 1);
    assert_filled(zero + 0x2d0 + 80, zero + 4096, 0);
    // Nothing of the loader's own overlaps.
    assert_true(entry.gdt + 32 <= zero || entry.cr3 >= cmdline + length);
    image[0x201] = 0xff; // a header that claims to be longer than its place ends with it
    accepted();
    assert_filled(entry.rsi + 0x290, entry.rsi + 0x2d0, 0);
}

static void test_initrd(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(archive); i++)
        archive[i] = (uint8_t)(1 + i % 251);
    linux_image();
    give_module(0, 0, 5001);
    accepted();
    assert_int_equal(ram32(entry.rsi + 0x218), RAM_BYTES - 0x2000);
    assert_int_equal(ram32(entry.rsi + 0x21c), 5001);
    assert_memory_equal(ram.host + RAM_BYTES - 0x2000, archive, 5001);
    assert_filled(RAM_BYTES - 0x2000 + 5001, RAM_BYTES, 0xcc);
    give_module(1, 5001, 17); // the second begins at the next multiple of 4
    accepted();
    assert_int_equal(ram32(entry.rsi + 0x21c), 5004 + 17);
    assert_memory_equal(ram.host + RAM_BYTES - 0x2000 + 5004, archive + 5001, 17);
    put32(0x22c, 0x2fffff); // the highest address the kernel allows
    accepted();
    assert_int_equal(ram32(entry.rsi + 0x218), 0x2fe000);
    input.module_count = 1;
    give_module(0, 0, 0);
    accepted();
    assert_true(ram32(entry.rsi + 0x218) == 0 && ram32(entry.rsi + 0x21c) == 0);
}

static void test_refuses_bad_kernels(void **state)
{
    (void)state;
    linux_image();
    put16(0x206, 0x20b);
    refused("k.elf is a Linux kernel with boot protocol 2.11; the 64-bit entry needs 2.12 (Linux 3.8)");
    put16(0x206, 0x20c);
    accepted();
    put16(0x236, 0);
    refused("k.elf is a Linux kernel without a 64-bit entry; expected one for x86-64");
    linux_image();
    image_bytes = 0x267;
    refused("k.elf is truncated: it ends inside the Linux setup header, after 615 bytes");
    image_bytes = 1024 + 4080;
    refused("k.elf is truncated: its header says 5120 bytes, the file has 5104");
    image_bytes = 1024 + 1;
    put32(0x1f4, 33);
    refused("k.elf is truncated: its header says 1552 bytes, the file has 1025");
    linux_image();
    put32(0x1f4, UINT32_MAX);
    refused("k.elf is truncated: its header says 68719477744 bytes, the file has 5120");
    put32(0x1f4, 32);
    refused("k.elf is damaged: its header says that 512 bytes follow the setup code");
    linux_image();
    put32(0x230, 3);
    refused("k.elf is damaged: its kernel_alignment is 0x3, not a power of two");
    put32(0x230, 0);
    refused("k.elf is damaged: its kernel_alignment is 0x0, not a power of two");
    linux_image();
    put32(0x260, 4095);
    refused("k.elf is damaged: it has 4096 bytes to load but claims to run in 4095 (init_size)");
    linux_image();
    put64(0x258, 0x80000);
    image[0x234] = 0;
    put32(0x260, 0x20000);
    refused("k.elf wants to be loaded at 0x80000-0x9ffff, over the BIOS area 0x9fc00-0xfffff");
}

static void test_refuses_what_does_not_fit(void **state)
{
    char words[70];

    (void)state;
    linux_image();
    put32(0x260, 0x200001);
    refused("k.elf needs 4097 KiB of guest memory, but the VM has 4096 KiB (mem=)");
    put32(0x260, 0x200000);
    accepted();
    give_module(0, 0, 1);
    refused("the initrd has 1 KiB and does not fit between the kernel's end at 4096 KiB and 4096 KiB (mem=)");
    put32(0x260, 0x1ff000);
    accepted();
    give_module(0, 0, 4097);
    refused("the initrd has 5 KiB and does not fit between the kernel's end at 4092 KiB and 4096 KiB (mem=)");
    linux_image();
    put32(0x22c, 0xfff);
    give_module(0, 0, 4097);
    refused("the initrd has 5 KiB and does not fit between the kernel's end at 2112 KiB and 4 KiB (mem=)");
    linux_image();
    put64(0x258, 0x10000);
    image[0x234] = 0;
    put32(0x260, 0x10000);
    put32(0x22c, 0xfffff); // the highest place is in ROM
    give_module(0, 0, 4096);
    refused("the initrd has 4 KiB and would lie over the BIOS area below 1024 KiB");
    linux_image();
    put64(0x258, 0x1000000);
    refused("k.elf wants 64 KiB at 0x1000000, but the VM has 4096 KiB (mem=)");
    put64(0x258, UINT64_MAX - 5);
    refused("k.elf wants 64 KiB at 0xfffffffffffffffa, but the VM has 4096 KiB (mem=)");
    linux_image();
    put32(0x238, 64);
    memset(words, 'x', sizeof(words));
    words[65] = '\0';
    input.cmdline = words;
    refused("the command line has 65 characters; k.elf takes at most 64");
    words[64] = '\0';
    accepted();
}

// Whatever comes, no byte outside of the buffers is touched, and an accepted kernel is entered inside of RAM.
static void test_random_damage(void **state)
{
    static const uint16_t fields[] = { 0x1f1, 0x1f4, 0x201, 0x206, 0x22c, 0x230, 0x234, 0x236, 0x238, 0x258, 0x260 };
    uint64_t seed = 5, n = 60000, good = 0;
    struct guest_ram whole = ram;

    (void)state;
    for (uint64_t i = 0; i < n; i++) {
        ram = (struct guest_ram){ .host = whole.host, .size = 2 * MIB + 128 * KIB };
        linux_image();
        for (uint64_t k = host_random_range(&seed, 1, 3); k > 0; k--) {
            uint64_t field = fields[host_random_range(&seed, 0, sizeof(fields) / sizeof(fields[0]) - 1)];
            uint64_t at = host_random_range(&seed, 0, 2) != 0 ? field : host_random_range(&seed, 0x1f0, 0x26c);
            if (host_random_range(&seed, 0, 1))
                put32(at, (uint32_t)host_random_edgy(&seed));
            else
                image[at] = (uint8_t)host_random(&seed);
        }
        if (host_random_range(&seed, 0, 7) == 0)
            image_bytes = host_random_range(&seed, 0, image_bytes);
        give_module(0, 0, host_random_range(&seed, 0, sizeof(archive)));
        if (!load())
            continue;
        good++;
        assert_true(entry.pc < ram.size && entry.rsi + 4096 < ram.size && ram.host[entry.rsi + 0x1e8] == 4);
        assert_filled(0, 0x100, 0xcc);
        assert_filled(0xa0000, 0xa0100, 0xcc);
        assert_filled(ram.size, ram.size + 0x100, 0xcc);
    }
    ram = whole;
    assert_true(good > 1000 && good < n);
    print_message("# %lu damaged kernels, %lu still loadable\n", (unsigned long)n, (unsigned long)good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_at_its_place), cmocka_unit_test(test_zero_page),
        cmocka_unit_test(test_initrd),              cmocka_unit_test(test_refuses_bad_kernels),
        cmocka_unit_test(test_refuses_what_does_not_fit), cmocka_unit_test(test_random_damage),
    };
    ram = (struct guest_ram){ .host = malloc(RAM_BYTES), .size = RAM_BYTES };
    int failed = cmocka_run_group_tests_name("loader_linux", tests, NULL, NULL);
    free(ram.host);
    return failed;
}
