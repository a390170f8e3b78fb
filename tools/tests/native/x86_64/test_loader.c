// SPDX-License-Identifier: MIT
// Loaders, the good cases: valid images in every form land where they ask, nothing else is touched, and the boot
// information says what multiboot 0.6.96 says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/x86_64/guest_image.h"

static void test_elf32(void **state)
{
    (void)state;
    elf32_image();
    accepted();
    assert_int_equal(entry.mode, ENTRY_PROTECTED32);
    assert_true(entry.pc == 0x100020);
    assert_true(entry.rax == 0x2badb002);
    assert_true(entry.rdi == entry.rbx);
    assert_string_equal(entry.format, "multiboot1 ELF32");
    assert_memory_equal(ram.host + 0x100000, image + 0x1000, 0x1000);
    assert_memory_equal(ram.host + 0x101000, image + 0x2000, 0x400);
    assert_filled(0x101400, 0x103000, 0);
    assert_filled(0x103000, ram.size, 0xcc);
    assert_filled(0, 0x9000, 0xcc);
    assert_filled(0x9fc00, 0x100000, 0xcc);
}

static void test_elf64_with_header(void **state)
{
    (void)state;
    elf64_image();
    mb_header(0x1000, 3);
    accepted();
    assert_int_equal(entry.mode, ENTRY_PROTECTED32);
    assert_string_equal(entry.format, "multiboot1 ELF64");
    assert_memory_equal(ram.host + 0x100000, image + 0x1000, 0x1000);
}

// Walks the page tables the way the processor does, 2 MiB pages only.
static uint64_t walk(uint64_t address)
{
    uint64_t table = entry.cr3;

    for (unsigned shift = 39; shift >= 21; shift -= 9) {
        uint64_t pte = ram64((table & ~UINT64_C(0xfff)) + 8 * ((address >> shift) & 511));
        assert_int_equal(pte & 0x7f, 3);
        table = pte & ~UINT64_C(0xfff);
        assert_int_equal((pte >> 7) & 1, shift == 21);
    }
    return table + (address & (2 * MIB - 1));
}

static void test_elf64_plain(void **state)
{
    (void)state;
    elf64_image();
    accepted();
    assert_int_equal(entry.mode, ENTRY_LONG64);
    assert_string_equal(entry.format, "ELF64");
    assert_true(entry.pc == 0x100020);
    for (uint64_t address = 0x1234; address < 4 * GIB; address += 2 * MIB)
        assert_true(walk(address) == address);
    assert_true(entry.rsp % 16 == 0 && entry.rsp <= 0x9fc00);
    assert_true(entry.rbx >= entry.rsp || entry.rbx < entry.cr3);
    assert_int_equal(ram64(entry.cr3 + 8), 0);
    assert_true(entry.gdt >= entry.rsp && entry.gdt + 32 <= 0x9fc00 && entry.gdt_limit == 31);
    assert_int_equal(ram64(entry.gdt), 0);
    assert_true(ram64(entry.gdt + 0x10) == UINT64_C(0x00af9b000000ffff));
    assert_true(ram64(entry.gdt + 0x18) == UINT64_C(0x00cf93000000ffff));
}

static void test_entry_given_as_virtual_address(void **state)
{
    (void)state;
    elf64_image();
    put64(24, UINT64_C(0xffffffff80000020));
    put64(64 + 16, UINT64_C(0xffffffff80000000));
    accepted();
    assert_true(entry.pc == 0x100020);
}

static void test_flat(void **state)
{
    (void)state;
    flat_image();
    accepted();
    assert_string_equal(entry.format, "multiboot1 with address fields");
    assert_true(entry.pc == 0x100040);
    assert_memory_equal(ram.host + 0x100000, image, 0x1800);
    assert_filled(0x101800, 0x104000, 0);
    assert_filled(0x104000, ram.size, 0xcc);
    put32(36, 0); // all of the file
    put32(40, 0); // no bss
    memset(ram.host, 0xcc, ram.size);
    accepted();
    assert_memory_equal(ram.host + 0x100000, image, 8192);
    assert_filled(0x102000, ram.size, 0xcc);
    // The file may begin before the load address: then only what follows is loaded.
    put32(28, 0x100000);
    accepted();
    assert_memory_equal(ram.host + 0x100000, image + 16, 8192 - 16);
    // Address fields win over an ELF header around them, as the specification says.
    elf32_image();
    mb_header(0x1000, 0x10000);
    put32(0x100c, 0x200000);
    put32(0x1010, 0x200000);
    put32(0x1014, 0);
    put32(0x1018, 0);
    put32(0x101c, 0x200020);
    accepted();
    assert_true(entry.pc == 0x200020);
    assert_memory_equal(ram.host + 0x200000, image + 0x1000, image_bytes - 0x1000);
}

static void assert_mmap(uint64_t at, uint64_t base, uint64_t length, uint32_t type)
{
    assert_int_equal(ram32(at), 20);
    assert_true(ram64(at + 4) == base);
    assert_true(ram64(at + 12) == length);
    assert_int_equal(ram32(at + 20), type);
}

static void test_information(void **state)
{
    static const uint8_t first[5000] = { 1, 2, 3, 4 }, second[3] = { 7, 8, 9 };

    (void)state;
    elf32_image();
    input.cmdline = "a b=c";
    input.module[0] = (struct image){ first, sizeof(first), "initrd" };
    input.module_args[0] = "initrd x y";
    input.module[1] = (struct image){ second, sizeof(second), "extra" };
    input.module_count = 2;
    accepted();
    uint64_t info = entry.rbx;
    assert_true(info >= 0x9000 && info < 0x9fc00 && info % 4 == 0);
    assert_int_equal(ram32(info), 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    assert_int_equal(ram32(info + 4), 639);
    assert_int_equal(ram32(info + 8), 3072);
    assert_string_equal((char *)ram.host + ram32(info + 16), "k.elf a b=c");
    assert_string_equal((char *)ram.host + ram32(info + 64), "Escapement");
    assert_int_equal(ram32(info + 20), 2);
    uint64_t mods = ram32(info + 24);
    assert_int_equal(ram32(mods), 0x103000); // the page above the kernel
    assert_int_equal(ram32(mods + 4), 0x103000 + 5000);
    assert_string_equal((char *)ram.host + ram32(mods + 8), "initrd x y");
    assert_int_equal(ram32(mods + 16), 0x105000);
    assert_int_equal(ram32(mods + 20), 0x105003);
    assert_string_equal((char *)ram.host + ram32(mods + 24), "extra");
    assert_memory_equal(ram.host + 0x103000, first, sizeof(first));
    assert_memory_equal(ram.host + 0x105000, second, sizeof(second));
    assert_int_equal(ram32(info + 44), 4 * 24);
    uint64_t map = ram32(info + 48);
    assert_mmap(map, 0, 0x9fc00, 1);
    assert_mmap(map + 24, 0x9fc00, 0x400, 2);
    assert_mmap(map + 48, 0xe0000, 0x20000, 2);
    assert_mmap(map + 72, 0x100000, RAM_BYTES - MIB, 1);
    input.cmdline = "";
    accepted();
    assert_string_equal((char *)ram.host + ram32(entry.rbx + 16), "k.elf");
}

// Boot information avoids a kernel that fills low memory.
static void test_low_kernel(void **state)
{
    (void)state;
    elf32_image();
    phdr32(0, 0x1000, 0x1000, 0x1000, 0x9ec00);
    put32(24, 0x1000);
    accepted();
    assert_true(entry.rbx >= MIB);
    assert_int_equal(ram32(entry.rbx + 4), 639);
    struct guest_ram whole = ram;
    ram.size = MIB; // and nothing is left at all
    put16(44, 1);
    refused("no 230 bytes of guest memory are left for boot information; give the VM more (mem=)");
    ram = whole;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf32),       cmocka_unit_test(test_elf64_with_header),
        cmocka_unit_test(test_elf64_plain), cmocka_unit_test(test_entry_given_as_virtual_address),
        cmocka_unit_test(test_flat),        cmocka_unit_test(test_information),
        cmocka_unit_test(test_low_kernel),
    };
    ram = (struct guest_ram){ .host = malloc(RAM_BYTES), .size = RAM_BYTES };
    int failed = cmocka_run_group_tests_name("loader", tests, NULL, NULL);
    free(ram.host);
    return failed;
}
