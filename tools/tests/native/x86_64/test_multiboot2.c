// SPDX-License-Identifier: MIT
// The multiboot2 parser: a whole structure as GRUB writes it, each limit, every truncation of it and random damage. The
// structure stands at the end of its own allocation, so that the sanitizer sees a read of one byte too many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/x86_64/multiboot.h"
#include "boot/x86_64/multiboot2.h"
#include "tools/tests/native/host.h"

#include <stdio.h>

#define ROUNDS 30000

static uint8_t built[16384];
static uint32_t size;
static struct bootinfo info;
static struct acpi_rsdp rsdp;
static struct refusal refusal;

static void put32(uint32_t at, uint32_t value)
{
    memcpy(built + at, &value, sizeof(value));
}

static void put64(uint32_t at, uint64_t value)
{
    memcpy(built + at, &value, sizeof(value));
}

// Starts a tag of `bytes` after its header; returns where they begin.
static uint32_t tag(uint32_t type, uint32_t bytes)
{
    uint32_t at = size;
    put32(at, type);
    put32(at + 4, 8 + bytes);
    size = (at + 8 + bytes + 7) & ~7u;
    put32(0, size);
    return at + 8;
}

static void string_tag(uint32_t type, const char *text)
{
    memcpy(built + tag(type, (uint32_t)strlen(text) + 1), text, strlen(text) + 1);
}

static void module_tag(uint32_t start, uint32_t end, const char *text)
{
    uint32_t at = tag(3, 8 + (uint32_t)strlen(text) + 1);
    put32(at, start);
    put32(at + 4, end);
    memcpy(built + at + 8, text, strlen(text) + 1);
}

static void memory_entry(uint32_t at, uint64_t start, uint64_t length, uint32_t type)
{
    put64(at, start);
    put64(at + 8, length);
    put32(at + 16, type);
}

static void begin(void)
{
    memset(built, 0, sizeof(built));
    size = 8;
    put32(0, size);
}

static void build_usual(void)
{
    begin();
    string_tag(1, "log=com2");
    string_tag(2, "GRUB 2.06");
    module_tag(0x200000, 0x200010, "vm=a -- x");
    module_tag(0x300000, 0x300000, "");
    uint32_t at = tag(6, 8 + 6 * 24);
    put32(at, 24);
    memory_entry(at + 8, 0, 0x9fc00, 1);
    memory_entry(at + 32, 0x100000, 0xff00000, 1);
    memory_entry(at + 56, 0x10000000, 0x1000, 3);
    memory_entry(at + 80, 0x10001000, 0x1000, 4);
    memory_entry(at + 104, 0xfffc0000, 0x40000, 2);
    memory_entry(at + 128, UINT64_MAX - 10, 100, 7); // wraps: ends at the end of the address space
    memset(built + tag(15, 36), 'N', 36);
    memset(built + tag(14, 20), 'O', 20);
    tag(0, 0);
}

// Parses a copy whose last byte is the last of its allocation.
static bool parse_copy(const uint8_t *bytes, uint32_t count)
{
    uint8_t *copy = malloc(count == 0 ? 1 : count);
    memcpy(copy, bytes, count);
    bool good = multiboot2_parse(copy, count, &info, &rsdp, &refusal);
    // Strings must be readable while the structure exists.
    size_t length = good ? strlen(info.cmdline) + strlen(info.loader) : 0;
    for (uint32_t i = 0; good && i < info.module_count; i++)
        length += strlen(info.modules[i].string);
    assert_true(length <= count + 7); // "unknown"
    free(copy);
    return good;
}

static void what_grub_writes(void **state)
{
    (void)state;
    build_usual();
    assert_true(multiboot2_parse(built, sizeof(built), &info, &rsdp, &refusal));
    assert_string_equal(info.cmdline, "log=com2");
    assert_string_equal(info.loader, "GRUB 2.06");
    assert_int_equal(info.info_end - info.info_start, size);
    assert_int_equal(info.module_count, 2);
    assert_int_equal(info.modules[0].start.value, 0x200000);
    assert_int_equal(info.modules[0].size, 16);
    assert_string_equal(info.modules[0].string, "vm=a -- x");
    assert_string_equal(info.modules[1].string, "");
    assert_int_equal(info.memory_count, 6);
    static const enum memory_type types[] = { MEMORY_USABLE, MEMORY_USABLE,   MEMORY_KEPT,
                                              MEMORY_KEPT,   MEMORY_RESERVED, MEMORY_RESERVED };
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(info.memory[i].type, types[i]);
    assert_int_equal(info.memory[1].end, 0x10000000);
    assert_int_equal(info.memory[5].end, UINT64_MAX);
    assert_int_equal(rsdp.size, 36); // the new one, although the old one came later
    assert_int_equal(rsdp.bytes[0], 'N');
}

static void nothing_but_an_end(void **state)
{
    (void)state;
    begin();
    tag(0, 0);
    assert_true(parse_copy(built, size));
    assert_string_equal(info.cmdline, "");
    assert_string_equal(info.loader, "unknown");
    assert_int_equal(info.module_count + info.memory_count + rsdp.size, 0);
}

static void more_than_fits_is_counted(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 0; i < BOOT_MODULES_MAX + 3; i++)
        module_tag(i * 4096, i * 4096 + 1, "m");
    uint32_t at = tag(6, 8 + (BOOT_MEMORY_MAX + 5) * 24);
    put32(at, 24);
    for (uint32_t i = 0; i < BOOT_MEMORY_MAX + 5; i++)
        memory_entry(at + 8 + i * 24, i * 4096, 4096, 1);
    tag(0, 0);
    assert_true(parse_copy(built, size));
    assert_int_equal(info.module_count, BOOT_MODULES_MAX);
    assert_int_equal(info.modules_ignored, 3);
    assert_int_equal(info.memory_count, BOOT_MEMORY_MAX);
    assert_int_equal(info.memory_ignored, 5);
}

static void refused(const char *sentence)
{
    assert_false(multiboot2_parse(built, sizeof(built), &info, &rsdp, &refusal));
    assert_string_equal(refusal.text, sentence);
}

static void damage_has_a_sentence(void **state)
{
    (void)state;
    begin();
    refused("the boot information claims 8 bytes; 16 to 16384 are possible");
    build_usual();
    put32(0, 17000);
    refused("the boot information claims 17000 bytes; 16 to 16384 are possible");
    begin();
    string_tag(1, "abcdefgh");
    refused("the boot information of 32 bytes has no end tag");
    tag(0, 0);
    memset(built + 16, 'a', 9); // the string has no end inside its tag
    refused("the boot information is damaged: tag type 1 at offset 8, 17 bytes");
    begin();
    module_tag(0x2000, 0x1000, "ends before it starts");
    tag(0, 0);
    refused("the boot information is damaged: tag type 3 at offset 8, 38 bytes");
    begin();
    put32(tag(6, 8), 20); // entries shorter than the specification's
    tag(0, 0);
    refused("the boot information is damaged: tag type 6 at offset 8, 16 bytes");
    begin();
    tag(15, 20);
    tag(0, 0);
    refused("the boot information is damaged: tag type 15 at offset 8, 28 bytes");
    begin();
    put32(tag(9, 40) - 4, 4); // size below a header
    tag(0, 0);
    refused("the boot information is damaged: tag type 9 at offset 8, 4 bytes");
}

static void every_truncation(void **state)
{
    (void)state;
    build_usual();
    uint32_t whole = size;
    for (uint32_t cut = 0; cut < whole; cut++) {
        assert_false(parse_copy(built, cut)); // shorter than it claims
        uint32_t kept = size;
        put32(0, cut);
        assert_false(parse_copy(built, cut)); // and claiming less: the end tag is gone
        put32(0, kept);
    }
}

static void random_damage(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned good = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        build_usual();
        for (uint64_t n = host_random_range(&seed, 1, 6); n > 0; n--) {
            uint32_t at = (uint32_t)host_random_range(&seed, 8, size - 4);
            if ((host_random(&seed) & 1) != 0)
                put32(at & ~3u, (uint32_t)host_random_edgy(&seed));
            else
                built[at] = (uint8_t)host_random(&seed);
        }
        good += parse_copy(built, size);
    }
    assert_true(good > 0 && good < ROUNDS);
    print_message("# %u damaged structures: %u refused, %u still sound\n", ROUNDS, ROUNDS - good, good);
}

static void quotes_of_grub(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "", "" },
        { "vm=a mem=16M -- exit=5", "vm=a mem=16M -- exit=5" },
        { "say \\\'hello\\\'", "say 'hello'" },
        { "\"two words\" \\\"quoted\\\" back\\\\slash", "two words \"quoted\" back\\slash" },
        { "ends with \\", "ends with \\" },
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s", pairs[i][0]);
        multiboot_unquote(text);
        assert_string_equal(text, pairs[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_grub_writes),          cmocka_unit_test(nothing_but_an_end),
        cmocka_unit_test(more_than_fits_is_counted), cmocka_unit_test(damage_has_a_sentence),
        cmocka_unit_test(every_truncation),          cmocka_unit_test(random_damage),
        cmocka_unit_test(quotes_of_grub),
    };
    return cmocka_run_group_tests_name("multiboot2", tests, NULL, NULL);
}
