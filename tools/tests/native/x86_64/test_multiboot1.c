// SPDX-License-Identifier: MIT
// The multiboot1 parser: what QEMU and GRUB write, each limit, a window that ends anywhere, and random damage. The
// window is an allocation of its own, so that the sanitizer sees a read of one byte too many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/x86_64/multiboot1.h"
#include "tools/tests/native/host.h"

#include <stdio.h>

#define ROUNDS     30000
#define WINDOW     0x1ff000u // address of the first byte that may be read
#define WINDOW_MAX 16384u
#define INFO       (WINDOW + 16)
#define MMAP       (WINDOW + 128)
#define LOW        0x9000u   // the same window, below 1 MiB
#define MODS       (WINDOW + 512)

static uint8_t built[WINDOW_MAX];
static uint32_t size; // of the window
static struct bootinfo info;
static struct refusal refusal;

static void put32(uint32_t address, uint32_t value)
{
    memcpy(built + (address - WINDOW), &value, sizeof(value));
}

static uint32_t put_string(const char *text)
{
    uint32_t address = WINDOW + size;
    memcpy(built + size, text, strlen(text) + 1);
    size += (uint32_t)strlen(text) + 1;
    return address;
}

static void put_memory(unsigned i, uint64_t start, uint64_t length, uint32_t type)
{
    uint32_t at = MMAP + i * 24;
    put32(at, 20);
    put32(at + 4, (uint32_t)start);
    put32(at + 8, (uint32_t)(start >> 32));
    put32(at + 12, (uint32_t)length);
    put32(at + 16, (uint32_t)(length >> 32));
    put32(at + 20, type);
}

static void put_module(unsigned i, uint32_t start, uint32_t end, const char *text)
{
    put32(MODS + i * 16, start);
    put32(MODS + i * 16 + 4, end);
    put32(MODS + i * 16 + 8, put_string(text));
}

static void build_usual(const char *loader)
{
    memset(built, 0, sizeof(built));
    size = 640;
    put32(INFO, 1u << 2 | 1u << 3 | 1u << 6 | 1u << 9);
    put32(INFO + 16, put_string("/boot/escapement.elf log=com2"));
    put32(INFO + 20, 2);
    put32(INFO + 24, MODS);
    put32(INFO + 44, 3 * 24);
    put32(INFO + 48, MMAP);
    put32(INFO + 64, put_string(loader));
    put_memory(0, 0, 0x9fc00, 1);
    put_memory(1, MIB, 0xff00000, 1);
    put_memory(2, UINT64_MAX - 10, 100, 9);
    put_module(0, 0x200000, 0x200010, "/file1 vm=a -- x  y");
    put_module(1, 0x300000, 0x300000, "");
}

// Parses a window whose last byte is the last of its allocation. Every string is read to its end.
static bool parse_copy(uint32_t count, uint32_t at)
{
    uint8_t *copy = malloc(count == 0 ? 1 : count);
    memcpy(copy, built, count);
    const struct memory_window window = { (uintptr_t)copy - WINDOW, WINDOW, WINDOW + count };
    bool good = multiboot1_parse(&window, at, &info, &refusal);
    size_t length = good ? strlen(info.cmdline) + strlen(info.loader) : 0;
    for (uint32_t i = 0; good && i < info.module_count; i++)
        length += strlen(info.modules[i].string);
    assert_true(length <= (size_t)(2 + BOOT_MODULES_MAX) * WINDOW_MAX);
    if (good && info.info_end != 0)
        assert_true(info.info_start >= MIB && info.info_end <= WINDOW + count);
    free(copy);
    return good;
}

static void parse_usual(const char *loader)
{
    build_usual(loader);
    const struct memory_window window = { (uintptr_t)built - WINDOW, WINDOW, WINDOW + size };
    assert_true(multiboot1_parse(&window, INFO, &info, &refusal));
    assert_string_equal(info.loader, loader);
    assert_int_equal(info.module_count, 2);
    assert_int_equal(info.modules[0].start.value, 0x200000);
    assert_int_equal(info.modules[0].size, 16);
    assert_int_equal(info.modules[1].size, 0);
    assert_int_equal(info.memory_count, 3);
    assert_int_equal(info.memory[1].start, MIB);
    assert_int_equal(info.memory[1].end, 0x10000000);
    assert_int_equal(info.memory[1].type, MEMORY_USABLE);
    assert_int_equal(info.memory[2].end, UINT64_MAX);
    assert_int_equal(info.memory[2].type, MEMORY_RESERVED);
    assert_int_equal(info.info_start, MODS); // the lowest of list and strings
    assert_int_equal(info.info_end, WINDOW + size);
}

static void what_qemu_writes(void **state)
{
    (void)state;
    parse_usual("qemu");
    assert_string_equal(info.cmdline, "log=com2");
    assert_string_equal(info.modules[0].string, "vm=a -- x  y");
    assert_string_equal(info.modules[1].string, "");
}

static void another_loader_names_no_file(void **state)
{
    (void)state;
    static const char *const loaders[] = { "GRUB 2.06", "qem", "qemu 2", "" };
    for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++) {
        parse_usual(loaders[i]);
        assert_string_equal(info.cmdline, "/boot/escapement.elf log=com2");
        assert_string_equal(info.modules[0].string, "/file1 vm=a -- x  y");
    }
}

static void nothing_is_said(void **state)
{
    (void)state;
    memset(built, 0xff, sizeof(built));
    put32(INFO, 0);
    assert_true(parse_copy(WINDOW_MAX, INFO));
    assert_string_equal(info.cmdline, "");
    assert_string_equal(info.loader, "unknown");
    assert_int_equal(info.module_count + info.memory_count + info.info_end, 0);
}

static void strings_below_1_mib_need_no_keeping(void **state)
{
    (void)state;
    build_usual("GRUB");
    const struct memory_window low = { (uintptr_t)built - LOW, LOW, LOW + size };
    static const uint32_t addresses[] = { 16, 24, 48, 64 }; // of command line, modules, memory map, loader's name
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        uint32_t address;
        memcpy(&address, built + (INFO - WINDOW) + addresses[i], sizeof(address));
        put32(INFO + addresses[i], address - WINDOW + LOW);
    }
    put32(MODS + 8, LOW + 640);
    put32(MODS + 24, 0);
    assert_true(multiboot1_parse(&low, LOW + (INFO - WINDOW), &info, &refusal));
    assert_string_equal(info.modules[0].string, "/boot/escapement.elf log=com2");
    assert_string_equal(info.modules[1].string, ""); // it has none
    assert_int_equal(info.info_end, 0);
}

static void more_than_fits_is_counted(void **state)
{
    (void)state;
    build_usual("GRUB");
    size = 4096;
    put32(INFO + 20, BOOT_MODULES_MAX + 3);
    put32(INFO + 24, WINDOW + 1024);
    put32(INFO + 44, 24 * (BOOT_MEMORY_MAX + 5));
    put32(INFO + 48, WINDOW + 8192);
    for (uint32_t i = 0; i < BOOT_MEMORY_MAX + 5; i++) {
        put32(WINDOW + 8192 + i * 24, 20);
        put32(WINDOW + 8192 + i * 24 + 12, 4096);
    }
    assert_true(parse_copy(WINDOW_MAX, INFO));
    assert_int_equal(info.module_count, BOOT_MODULES_MAX);
    assert_int_equal(info.modules_ignored, 3);
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);
    assert_int_equal(info.memory_ignored, 5);
}

static void refused(uint32_t field, uint32_t value, const char *part)
{
    build_usual("qemu");
    put32(field, value);
    assert_false(parse_copy(size, INFO));
    char sentence[100];
    snprintf(sentence, sizeof(sentence), "the boot information at %#x is damaged: its %s", INFO, part);
    assert_string_equal(refusal.text, sentence);
}

static void damage_has_a_sentence(void **state)
{
    (void)state;
    refused(INFO + 16, WINDOW - 1, "command line");
    refused(INFO + 16, 0, "command line");
    refused(INFO + 64, WINDOW + WINDOW_MAX, "loader's name");
    refused(INFO + 20, 1025, "list of modules");
    refused(INFO + 20, UINT32_MAX, "list of modules");
    refused(INFO + 24, UINT32_MAX - 3, "list of modules");
    refused(MODS + 4, 0x1fffff, "list of modules"); // ends before it starts
    refused(MODS + 8, 1, "list of modules");
    refused(INFO + 44, 65537, "memory map");
    refused(INFO + 44, 70, "memory map"); // the last entry's end is missing
    refused(INFO + 44, 73, "memory map"); // a byte of another
    refused(INFO + 48, 8, "memory map");
    refused(MMAP, 19, "memory map");
    refused(MMAP, UINT32_MAX - 3, "memory map");
    build_usual("qemu");
    assert_false(parse_copy(size, WINDOW + size - 60)); // the structure itself
    assert_non_null(strstr(refusal.text, "its address"));
    assert_false(parse_copy(size, 0));
    assert_false(parse_copy(size, UINT32_MAX));
}

static void every_end_of_the_window(void **state)
{
    (void)state;
    build_usual("qemu");
    for (uint32_t end = 0; end < size; end++)
        assert_false(parse_copy(end, INFO));
    assert_true(parse_copy(size, INFO));
}

static void random_damage(void **state)
{
    (void)state;
    uint64_t seed = 11;
    unsigned good = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        build_usual("qemu");
        for (uint64_t n = host_random_range(&seed, 1, 6); n > 0; n--) {
            uint32_t at = (uint32_t)host_random_range(&seed, 16, size - 4);
            if ((host_random(&seed) & 1) != 0)
                put32(WINDOW + (at & ~3u), (uint32_t)host_random_edgy(&seed));
            else
                built[at] = (uint8_t)host_random(&seed);
        }
        good += parse_copy(size, INFO);
    }
    assert_true(good > 0 && good < ROUNDS);
    print_message("# %u damaged structures: %u refused, %u still sound\n", ROUNDS, ROUNDS - good, good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_qemu_writes),
        cmocka_unit_test(another_loader_names_no_file),
        cmocka_unit_test(nothing_is_said),
        cmocka_unit_test(strings_below_1_mib_need_no_keeping),
        cmocka_unit_test(more_than_fits_is_counted),
        cmocka_unit_test(damage_has_a_sentence),
        cmocka_unit_test(every_end_of_the_window),
        cmocka_unit_test(random_damage),
    };
    return cmocka_run_group_tests_name("multiboot1", tests, NULL, NULL);
}
