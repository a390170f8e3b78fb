// SPDX-License-Identifier: MIT
// Typing that ends at a keyboard: what a guest reads for each key in each scan code set, against lists of keys as the
// tables of both sets print them.
#include "tools/tests/native/i8042_ports.h"
#include "vmm/typing.h"

static struct i8042 d;

// Typed, and the make codes; E0 before both where `extended`.
static const struct {
    const char *typed;
    uint8_t set_1, set_2;
    bool extended;
    uint8_t held_1, held_2;
} keys[] = {
    { "a", 0x1e, 0x1c, false, 0, 0 },          { "z", 0x2c, 0x1a, false, 0, 0 },
    { "1", 0x02, 0x16, false, 0, 0 },          { "0", 0x0b, 0x45, false, 0, 0 },
    { "-", 0x0c, 0x4e, false, 0, 0 },          { "=", 0x0d, 0x55, false, 0, 0 },
    { "[", 0x1a, 0x54, false, 0, 0 },          { "]", 0x1b, 0x5b, false, 0, 0 },
    { ";", 0x27, 0x4c, false, 0, 0 },          { "'", 0x28, 0x52, false, 0, 0 },
    { "`", 0x29, 0x0e, false, 0, 0 },          { "\\", 0x2b, 0x5d, false, 0, 0 },
    { ",", 0x33, 0x41, false, 0, 0 },          { ".", 0x34, 0x49, false, 0, 0 },
    { "/", 0x35, 0x4a, false, 0, 0 },          { " ", 0x39, 0x29, false, 0, 0 },
    { "\r", 0x1c, 0x5a, false, 0, 0 },         { "\n", 0x1c, 0x5a, false, 0, 0 },
    { "\t", 0x0f, 0x0d, false, 0, 0 },         { "\x7f", 0x0e, 0x66, false, 0, 0 },
    { "\b", 0x0e, 0x66, false, 0, 0 },         { "Q", 0x10, 0x15, false, 0x2a, 0x12 },
    { "!", 0x02, 0x16, false, 0x2a, 0x12 },    { "?", 0x35, 0x4a, false, 0x2a, 0x12 },
    { "~", 0x29, 0x0e, false, 0x2a, 0x12 },    { "|", 0x2b, 0x5d, false, 0x2a, 0x12 },
    { "_", 0x0c, 0x4e, false, 0x2a, 0x12 },    { "\x03", 0x2e, 0x21, false, 0x1d, 0x14 }, // Control-C
    { "\x01", 0x1e, 0x1c, false, 0x1d, 0x14 }, { "\x1a", 0x2c, 0x1a, false, 0x1d, 0x14 },
    { "\x1b[A", 0x48, 0x75, true, 0, 0 },      { "\x1b[B", 0x50, 0x72, true, 0, 0 },
    { "\x1bOC", 0x4d, 0x74, true, 0, 0 },      { "\x1b[D", 0x4b, 0x6b, true, 0, 0 },
    { "\x1b[1;5C", 0x4d, 0x74, true, 0, 0 },   { "\x1b[3;2~", 0x53, 0x71, true, 0, 0 },
    { "\x1b[H", 0x47, 0x6c, true, 0, 0 },      { "\x1b[4~", 0x4f, 0x69, true, 0, 0 },
    { "\x1b[2~", 0x52, 0x70, true, 0, 0 },     { "\x1b[3~", 0x53, 0x71, true, 0, 0 },
    { "\x1b[5~", 0x49, 0x7d, true, 0, 0 },     { "\x1b[6~", 0x51, 0x7a, true, 0, 0 },
    { "\x1bOP", 0x3b, 0x05, false, 0, 0 },     { "\x1b[12~", 0x3c, 0x06, false, 0, 0 },
    { "\x1b[15~", 0x3f, 0x03, false, 0, 0 },   { "\x1b[17~", 0x40, 0x0b, false, 0, 0 },
    { "\x1b[18~", 0x41, 0x83, false, 0, 0 },   { "\x1b[21~", 0x44, 0x09, false, 0, 0 },
    { "\x1b[23~", 0x57, 0x78, false, 0, 0 },   { "\x1b[24~", 0x58, 0x07, false, 0, 0 },
};

// In set 1, also as the controller makes it of set 2: a released key has bit 7.
static size_t in_set_1(size_t i, uint8_t *to)
{
    size_t n = 0;
    if (keys[i].held_1 != 0)
        to[n++] = keys[i].held_1;
    for (unsigned released = 0; released < 2; released++) {
        if (keys[i].extended)
            to[n++] = 0xe0;
        to[n++] = (uint8_t)(keys[i].set_1 + 0x80 * released);
    }
    if (keys[i].held_1 != 0)
        to[n++] = keys[i].held_1 | 0x80;
    return n;
}

static size_t in_set_2(size_t i, uint8_t *to)
{
    size_t n = 0;
    if (keys[i].held_2 != 0)
        to[n++] = keys[i].held_2;
    for (unsigned released = 0; released < 2; released++) {
        if (keys[i].extended)
            to[n++] = 0xe0;
        if (released != 0)
            to[n++] = 0xf0;
        to[n++] = keys[i].set_2;
    }
    if (keys[i].held_2 != 0) {
        to[n++] = 0xf0;
        to[n++] = keys[i].held_2;
    }
    return n;
}

// The one key that is typed, or none.
static bool type(const char *text, struct key *key)
{
    struct typing typing = { 0 };
    unsigned count = 0;
    for (; *text != '\0'; text++) {
        assert_int_equal(count, 0);
        count = typing_feed(&typing, (uint8_t)*text, key);
    }
    assert_true(count <= 1);
    return count == 1;
}

static void test_every_key(void **state)
{
    uint8_t expected[16];
    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct key key;
        assert_true(type(keys[i].typed, &key));
        i8042_init(&d);
        assert_true(i8042_press(&d, &key));
        reads(&d, in_set_1(i, expected), expected);
        out(&d, 0x64, 0x60); // no translation
        out(&d, 0x60, 0x05);
        assert_true(i8042_press(&d, &key));
        reads(&d, in_set_2(i, expected), expected);
        out(&d, 0x60, 0xf0);
        READS(&d, 0xfa);
        out(&d, 0x60, 0x01);
        READS(&d, 0xfa);
        assert_true(i8042_press(&d, &key));
        reads(&d, in_set_1(i, expected), expected);
    }
}

// Every printable character has a key, no two the same; what is on no key is none.
static void test_characters(void **state)
{
    (void)state;
    uint16_t seen[128];
    for (char c = ' '; c < 0x7f; c++) {
        struct key key;
        assert_true(type((char[]){ c, '\0' }, &key));
        seen[(unsigned)c] = (uint16_t)(key.code | key.held << 8);
        for (char before = ' '; before < c; before++)
            assert_int_not_equal(seen[(unsigned)before], seen[(unsigned)c]);
    }
    struct key key;
    assert_false(type("\xc3\xa4", &key));
    assert_false(type("\x1b[99~", &key));
    assert_false(type("\x1b[7~", &key));
    assert_false(type("\x1b[Z", &key));
    assert_false(type("\x1c", &key));
}

static void test_escape(void **state)
{
    struct typing typing = { 0 };
    struct key key[TYPING_KEYS_MAX];
    (void)state;
    assert_int_equal(typing_flush(&typing, key), 0);
    assert_int_equal(typing_feed(&typing, 0x1b, key), 0);
    assert_true(typing_waits(&typing));
    assert_int_equal(typing_flush(&typing, key), 1);
    assert_int_equal(key[0].code, 0x01);
    assert_false(typing_waits(&typing));
    typing_feed(&typing, 0x1b, key);
    assert_int_equal(typing_feed(&typing, 'x', key), 2); // Escape, and what began no sequence
    assert_true(key[0].code == 0x01 && key[1].code == 0x2d);
    typing_feed(&typing, 0x1b, key);
    assert_int_equal(typing_feed(&typing, 0x1b, key), 1);
    assert_true(typing_waits(&typing));
    typing_feed(&typing, '[', key);
    assert_int_equal(typing_flush(&typing, key), 0); // a sequence that does not end is nothing
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_key), cmocka_unit_test(test_characters),
                                        cmocka_unit_test(test_escape) };
    return cmocka_run_group_tests_name("keyboard", tests, NULL, NULL);
}
