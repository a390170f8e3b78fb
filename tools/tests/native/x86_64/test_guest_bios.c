// SPDX-License-Identifier: MIT
// What a PC's kernels look for below 1 MiB: the BIOS data area's fields where IBM's manual has them, the EBDA, the
// cleared screen, the vectors of real mode, and nothing written beside them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/pc/bios.h"

#define UNTOUCHED 0xcc

static struct guest_ram ram;

static unsigned word(uint64_t at)
{
    return ram.host[at] | (unsigned)ram.host[at + 1] << 8;
}

static void build(void)
{
    memset(ram.host, 0, 0x1000);
    memset(ram.host + 0x1000, UNTOUCHED, ram.size - 0x1000);
    guest_bios_build(ram);
    guest_rom_build(ram);
}

static void test_data_area(void **state)
{
    static const struct {
        uint16_t at, value;
    } words[] = {
        { 0x400, 0x3f8 }, { 0x402, 0 },  { 0x408, 0 },    { 0x40e, 0x9fc0 }, { 0x410, 0x0222 }, { 0x413, 639 },
        { 0x41a, 0x1e },  { 0x41c, 0x1e }, { 0x44a, 80 }, { 0x44c, 4096 },   { 0x450, 0 },      { 0x460, 0x0d0e },
        { 0x463, 0x3d4 }, { 0x472, 0 },  { 0x480, 0x1e }, { 0x482, 0x3e },   { 0x484, 0x1018 },
    };
    (void)state;
    build();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(word(words[i].at), words[i].value);
    assert_int_equal(ram.host[0x449], 3);
    assert_int_equal(ram.host[0x496], 0x10);
    assert_int_equal(ram.host[word(0x40e) * 16], 640 - word(0x413)); // the EBDA says its own size
}

static void test_clock(void **state)
{
    (void)state;
    build();
    guest_bios_set_clock(ram, 1767225600 + 3600); // one o'clock
    assert_int_equal(word(0x46c) | word(0x46e) << 16, 65543); // 18.2065 Hz
    guest_bios_set_clock(ram, 86399);
    assert_int_equal(word(0x46c) | word(0x46e) << 16, 1573024);
    guest_bios_set_clock(ram, -86400);
    assert_int_equal(word(0x46c) | word(0x46e) << 16, 0);
}

// Every vector leads into the ROM, to an instruction.
static void test_vectors(void **state)
{
    (void)state;
    build();
    for (unsigned vector = 0; vector < 256; vector++) {
        assert_int_equal(word(vector * 4 + 2), 0xf000);
        uint8_t first = ram.host[0xf0000 + word(vector * 4)];
        assert_int_equal(first, vector < 8          ? 0xcf  // iret
                                : vector == 0x10    ? 0x80  // cmp
                                : vector < 0x10     ? 0x50  // push %ax
                                : vector / 8 == 0xe ? 0x50
                                                    : 0x55); // push %bp
    }
    assert_int_equal(ram.host[0xffff0], 0xb0);
    assert_int_equal(ram.host[0xffff1], 0xfe);
}

static void test_nothing_beside(void **state)
{
    (void)state;
    build();
    for (uint64_t at = 0x1000; at < ram.size; at++) {
        if (at >= 0xb8000 && at < 0xc0000)
            assert_int_equal(ram.host[at], at % 2 == 0 ? ' ' : 0x07);
        else if (at != 0x9fc00 && at < 0xff000)
            assert_int_equal(ram.host[at], UNTOUCHED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_data_area), cmocka_unit_test(test_clock),
                                        cmocka_unit_test(test_vectors), cmocka_unit_test(test_nothing_beside) };
    ram = (struct guest_ram){ .host = malloc(MIB), .size = MIB }; // the smallest that a VM can have
    int failed = cmocka_run_group_tests_name("guest_bios", tests, NULL, NULL);
    free(ram.host);
    return failed;
}
