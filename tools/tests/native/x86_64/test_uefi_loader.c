// SPDX-License-Identifier: MIT
// The pure parts of our loader for UEFI: escapement.cfg as people write it and as it is damaged, the boot information
// as the monitor reads it again, and the image's segments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/efi/x86_64/boottags.h"
#include "boot/efi/x86_64/elfimage.h"
#include "boot/efi/menu.h"
#include "boot/x86_64/multiboot2.h"
#include "tools/tests/native/host.h"

#define ROUNDS     20000
#define TAGS_BYTES 4096

static struct menu menu;
static struct menu_complaint complaint;

// The parser may write one byte after the text, and no more: the sanitizer watches.
static bool parse(const char *text, size_t size)
{
    static char *copy;
    free(copy);
    copy = malloc(size + 1);
    memcpy(copy, text, size);
    return menu_parse(copy, size, &menu, &complaint);
}

static const char usual[] =
    "# a menu\n"
    "set timeout=3\r\n"
    "set default=\"1\"\n"
    "set gfxmode=1024x768x32,auto\n"
    "menuentry \"One: it's first\" {\n"
    "\tmultiboot2 /escapement.elf screen=on log=com1  \n"
    "    module2 /guests/a.elf vm=a mem=16M -- x \"y z\"\n"
    "}\n"
    "menuentry 'Two' --class x {\n"
    "    multiboot2 \"/a folder/escapement.elf\"\n"
    "}";

static void a_menu(void **state)
{
    (void)state;
    assert_true(parse(usual, sizeof(usual) - 1));
    assert_int_equal(menu.timeout_s, 3);
    assert_int_equal(menu.chosen, 1);
    assert_int_equal(menu.width, 1024);
    assert_int_equal(menu.height, 768);
    assert_int_equal(menu.entry_count, 2);
    assert_string_equal(menu.entries[0].title, "One: it's first");
    assert_int_equal(menu.entries[0].count, 2);
    assert_string_equal(menu.files[0].path, "/escapement.elf");
    assert_string_equal(menu.files[0].words, "screen=on log=com1");
    assert_string_equal(menu.files[1].words, "vm=a mem=16M -- x \"y z\"");
    assert_string_equal(menu.entries[1].title, "Two");
    assert_string_equal(menu.files[menu.entries[1].first].path, "/a folder/escapement.elf");
    assert_string_equal(menu.files[menu.entries[1].first].words, "");
    assert_int_equal(complaint.line, 9); // --class is no {
}

struct complained {
    const char *text;
    uint32_t    line;
    bool        usable;
};

static void what_is_wrong(void **state)
{
    (void)state;
    static const struct complained rows[] = {
        { "", 0, false },
        { "\n\n", 0, false },
        { "set timeout=never\n", 1, false },
        { "set timeout=99999999999\n", 1, false },
        { "set timeout\n", 1, false },
        { "set gfxmode=huge\n", 1, false },
        { "set gfxmode=800x\n", 1, false },
        { "insmod fat\n", 1, false },
        { "multiboot2 /e\n", 1, false },
        { "}\n", 1, false },
        { "menuentry \"a\" {\n}\n", 2, false },
        { "menuentry \"a\" {\nmodule2 /m\n}\n", 2, false },
        { "menuentry \"a\" {\nmultiboot2 /e\nmultiboot2 /e\n}\n", 3, true },
        { "menuentry \"a\" {\nmultiboot2 /e\n", 2, true },
        { "menuentry \"a\" {\nmultiboot2 /e\n}\nmenuentry \"b\" {\n}\n", 5, true },
        { "menuentry \"a\n{\nmultiboot2 /e\n}\n", 1, true },
        { "menuentry \"a\" {\nmenuentry \"b\" {\nmultiboot2 /e\n}\n", 2, true },
        { "menuentry \"a\" {\nmultiboot2\n}\n", 2, false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        bool usable = parse(rows[i].text, strlen(rows[i].text));
        if (usable != rows[i].usable || complaint.line != rows[i].line)
            fail_msg("row %zu: usable %d, line %u (%s)", i, usable, complaint.line, complaint.what);
    }
}

// An entry with a line that was not understood is not started; those around it are.
static void damaged_entries(void **state)
{
    (void)state;
    static const char text[] =
        "menuentry \"a\" {\nmultiboot2 /e\n}\n"
        "menuentry \"b\" {\nmultiboot2 /e\nmodul2 /m\n}\n"
        "menuentry \"c\" {\nmultiboot2 /e\nmodule2 /c\n"
        "menuentry \"d\" {\nmultiboot2 /e\nmodule2 /d\n}\n";
    static const uint32_t wrong[] = { 0, 6, 11, 0 }, files[] = { 1, 1, 2, 2 };
    assert_true(parse(text, sizeof(text) - 1));
    assert_int_equal(menu.entry_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(menu.entries[i].wrong_line, wrong[i]);
        assert_int_equal(menu.entries[i].count, files[i]);
    }
    assert_int_equal(complaint.line, 6);
    static const char modes[] = "set gfxmode=auto,1024x768\nmenuentry \"a\" {\nmultiboot2 /e\n}\n";
    assert_true(parse(modes, sizeof(modes) - 1));
    assert_int_equal(complaint.line, 0);
    assert_int_equal(menu.width, 0);
}

static void too_many(void **state)
{
    (void)state;
    enum { ENTRY = 40, MODULE = 12 };
    char *text = malloc((MENU_ENTRIES_MAX + 1) * ENTRY + (MENU_FILES_MAX + 1) * MODULE);
    size_t size = 0;
    for (unsigned i = 0; i <= MENU_ENTRIES_MAX; i++)
        size += (size_t)sprintf(text + size, "menuentry \"%u\" {\nmultiboot2 /e\n}\n", i);
    assert_true(parse(text, size));
    assert_int_equal(menu.entry_count, MENU_ENTRIES_MAX);
    assert_int_equal(complaint.line, 3 * MENU_ENTRIES_MAX + 1);
    assert_int_equal(menu.entries[MENU_ENTRIES_MAX - 1].count, 1);
    size = (size_t)sprintf(text, "menuentry \"a\" {\nmultiboot2 /e\n");
    for (unsigned i = 0; i < MENU_FILES_MAX; i++)
        size += (size_t)sprintf(text + size, "module2 /m\n");
    size += (size_t)sprintf(text + size, "}\n");
    assert_true(parse(text, size));
    assert_int_equal(menu.entries[0].count, MENU_FILES_MAX);
    assert_int_equal(complaint.line, MENU_FILES_MAX + 2);
    free(text);
}

// Whatever the file holds: every string ends inside it, and every entry starts something.
static void damaged_menus(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[sizeof(usual)];
        size_t size = sizeof(usual) - 1;
        memcpy(text, usual, size);
        for (unsigned i = 0; i < 1 + round % 8; i++)
            text[host_random(&seed) % size] =
                round % 2 != 0 ? (char)host_random(&seed) : "{}\"'\n =#"[host_random(&seed) % 8];
        size -= host_random(&seed) % 3 == 0 ? host_random(&seed) % size : 0;
        parse(text, size);
        assert_true(menu.entry_count == 0 || menu.chosen < menu.entry_count);
        size_t length = 0;
        for (uint32_t i = 0; i < menu.entry_count; i++) {
            assert_true(menu.entries[i].count > 0 && menu.entries[i].first + menu.entries[i].count <= menu.file_count);
            length += strlen(menu.entries[i].title);
        }
        for (uint32_t i = 0; i < menu.file_count; i++)
            length += strlen(menu.files[i].path) + strlen(menu.files[i].words);
        assert_true(length <= size);
    }
}

// --- the boot information -------------------------------------------------------------------------------------------

static bool write_tags(uint8_t *memory, uint32_t size)
{
    static const uint8_t rsdp[36] = "RSD PTR ";
    struct boottags tags;
    boottags_begin(&tags, memory, size);
    boottags_cmdline(&tags, "screen=on");
    boottags_loader(&tags, "Escapement's loader");
    boottags_module(&tags, 0x300000, 0x300123, "vm=a mem=16M");
    boottags_module(&tags, 0x400000, 0x400000, "");
    boottags_system_table(&tags, 0x1234);
    boottags_rsdp(&tags, rsdp, sizeof(rsdp));
    const struct boot_screen screen = {
        .kind = BOOT_SCREEN_PIXELS, .address = UINT64_C(0x800000000), .pitch = 5120, .width = 1280, .height = 800,
        .bits = 32, .red = { 16, 8 }, .green = { 8, 8 }, .blue = { 0, 8 },
    };
    boottags_framebuffer(&tags, &screen);
    boottags_memory_begin(&tags);
    boottags_memory_add(&tags, 0, 0xa0000, BOOTTAGS_USABLE);
    boottags_memory_add(&tags, MIB, MIB, BOOTTAGS_USABLE);
    boottags_memory_add(&tags, 2 * MIB, MIB, BOOTTAGS_USABLE); // goes on
    boottags_memory_add(&tags, 3 * MIB, MIB, BOOTTAGS_ACPI);
    boottags_memory_add(&tags, 5 * GIB, GIB, BOOTTAGS_RESERVED);
    boottags_memory_end(&tags);
    return boottags_end(&tags);
}

static void read_again(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t memory[TAGS_BYTES];
    static struct bootinfo info;
    struct acpi_rsdp rsdp;
    struct refusal refusal;
    memset(memory, 0xaf, sizeof(memory)); // pages from the firmware hold anything
    assert_true(write_tags(memory, sizeof(memory)));
    assert_true(multiboot2_parse(memory, sizeof(memory), &info, &rsdp, &refusal));
    assert_string_equal(info.cmdline, "screen=on");
    assert_string_equal(info.loader, "Escapement's loader");
    assert_int_equal(info.module_count, 2);
    assert_int_equal(info.modules[0].start.value, 0x300000);
    assert_int_equal(info.modules[0].size, 0x123);
    assert_string_equal(info.modules[0].string, "vm=a mem=16M");
    assert_int_equal(rsdp.size, 36);
    assert_true(info.is_uefi);
    assert_memory_equal(rsdp.bytes, "RSD PTR ", 8);
    assert_int_equal(info.screen.kind, BOOT_SCREEN_PIXELS);
    assert_int_equal(info.screen.address, UINT64_C(0x800000000));
    assert_int_equal(info.screen.pitch, 5120);
    assert_int_equal(info.screen.red.at, 16);
    assert_int_equal(info.screen.blue.bits, 8);
    static const struct memory_range expected[] = {
        { 0, 0xa0000, MEMORY_USABLE }, { MIB, 3 * MIB, MEMORY_USABLE },
        { 3 * MIB, 4 * MIB, MEMORY_KEPT }, { 5 * GIB, 6 * GIB, MEMORY_RESERVED },
    };
    assert_int_equal(info.memory_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(info.memory[i].start, expected[i].start);
        assert_int_equal(info.memory[i].end, expected[i].end);
        assert_int_equal(info.memory[i].type, expected[i].type);
    }
}

// Too small by however much: it says so, and writes nothing outside.
static void no_room(void **state)
{
    (void)state;
    static _Alignas(8) uint8_t memory[TAGS_BYTES];
    assert_true(write_tags(memory, sizeof(memory)));
    uint32_t needed;
    memcpy(&needed, memory, sizeof(needed));
    for (uint32_t size = 0; size < needed; size++) {
        uint8_t *small = malloc(size == 0 ? 1 : size);
        assert_false(write_tags(small, size));
        free(small);
    }
}

// --- the image ------------------------------------------------------------------------------------------------------

struct image_file {
    Elf64_Ehdr header;
    Elf64_Phdr segments[3];
    uint8_t    bytes[64];
};

static struct image_file image_file(void)
{
    struct image_file file = { .header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 }, .e_machine = EM_X86_64,
                                           .e_entry = 0x100010, .e_phoff = sizeof(Elf64_Ehdr), .e_phnum = 3,
                                           .e_phentsize = sizeof(Elf64_Phdr) } };
    file.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct image_file, bytes), .p_paddr = MIB,
                                     .p_filesz = 64, .p_memsz = 64 };
    file.segments[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_filesz = UINT64_MAX };
    file.segments[2] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct image_file, bytes),
                                     .p_paddr = MIB + 4096, .p_filesz = 10, .p_memsz = 8192 };
    return file;
}

static const char *read_image(const struct image_file *file, size_t size, struct elfimage *image)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, file, size);
    const char *wrong = elfimage_read(copy, size, image);
    free(copy);
    return wrong;
}

static void an_image(void **state)
{
    (void)state;
    struct image_file file = image_file();
    struct elfimage image;
    assert_null(elfimage_read((const uint8_t *)&file, sizeof(file), &image));
    assert_int_equal(image.start, MIB);
    assert_int_equal(image.end, MIB + 4096 + 8192);
    assert_int_equal(image.entry, 0x100010);
    assert_int_equal(image.count, 2);
    assert_int_equal(image.pieces[1].to, MIB + 4096);
    assert_ptr_equal((void *)image.pieces[1].from, file.bytes);
    assert_int_equal(image.pieces[1].bytes, 10);
    assert_int_equal(image.pieces[1].zeros, 8182);
    for (size_t size = 0; size < sizeof(file); size++)
        assert_non_null(read_image(&file, size, &image));
}

static void bad_images(void **state)
{
    (void)state;
    struct elfimage image;
    struct image_file file = image_file();
    file.segments[2].p_paddr = 4 * GIB - 8191;
    assert_string_equal(read_image(&file, sizeof(file), &image), "a segment does not lie below 4 GiB");
    file = image_file();
    file.segments[2].p_filesz = 9000;
    assert_string_equal(read_image(&file, sizeof(file), &image), "it is cut short");
    file = image_file();
    file.segments[0].p_memsz = 63;
    assert_string_equal(read_image(&file, sizeof(file), &image), "a segment does not lie below 4 GiB");
    file = image_file();
    file.header.e_entry = MIB - 1;
    assert_string_equal(read_image(&file, sizeof(file), &image), "its entry is in no segment");
    file = image_file();
    file.header.e_machine = EM_AARCH64;
    assert_string_equal(read_image(&file, sizeof(file), &image), "it is not a 64-bit ELF file for x86-64");
    uint64_t seed = 7;
    for (unsigned round = 0; round < ROUNDS; round++) {
        file = image_file();
        for (unsigned i = 0; i < 1 + round % 4; i++)
            ((uint8_t *)&file)[host_random(&seed) % offsetof(struct image_file, bytes)] = (uint8_t)host_random(&seed);
        if (read_image(&file, sizeof(file), &image) == NULL) {
            assert_true(image.start < image.end && image.end <= 4 * GIB && image.entry >= image.start);
            assert_true(image.count <= ELFIMAGE_PIECES_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_menu),     cmocka_unit_test(what_is_wrong), cmocka_unit_test(damaged_entries),
        cmocka_unit_test(too_many),
        cmocka_unit_test(damaged_menus), cmocka_unit_test(read_again), cmocka_unit_test(no_room),
        cmocka_unit_test(an_image),   cmocka_unit_test(bad_images),
    };
    return cmocka_run_group_tests_name("uefi_loader", tests, NULL, NULL);
}
