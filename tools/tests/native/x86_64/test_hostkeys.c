// SPDX-License-Identifier: MIT
// The host's keyboard: every byte that vmm/typing.c finds a key for comes out of that key again, and so does every
// sequence; what is held, Caps Lock, Pause, and any codes at all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/host/keys.h"
#include "tools/tests/native/host.h"
#include "vmm/typing.h"

#define ROUNDS 1000000

static struct hostkeys keys;
static char sent[64];
static size_t count;

static void feed(uint8_t code)
{
    uint8_t bytes[HOSTKEYS_BYTES];
    unsigned made = hostkeys_feed(&keys, code, bytes);
    assert_true(made <= HOSTKEYS_BYTES);
    assert_true(count + made < sizeof(sent));
    memcpy(sent + count, bytes, made);
    count += made;
    sent[count] = '\0';
}

static void press(const struct key *key)
{
    if (key->held != 0)
        feed(key->held);
    for (unsigned released = 0; released <= 0x80; released += 0x80) {
        if (key->extended)
            feed(0xe0);
        feed((uint8_t)(key->code | released));
    }
    if (key->held != 0)
        feed(key->held | 0x80);
}

// Types the bytes at a keyboard and looks what a terminal would have sent.
static void there_and_back(const char *bytes, const char *expected)
{
    struct typing typing = { 0 };
    struct key key[TYPING_KEYS_MAX];
    count = 0;
    sent[0] = '\0';
    for (; *bytes != '\0'; bytes++) {
        unsigned made = typing_feed(&typing, (uint8_t)*bytes, key);
        for (unsigned i = 0; i < made; i++)
            press(&key[i]);
    }
    unsigned made = typing_flush(&typing, key);
    for (unsigned i = 0; i < made; i++)
        press(&key[i]);
    assert_string_equal(sent, expected);
}

static void every_byte(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 0x80; byte++) {
        char text[2] = { (char)byte, '\0' };
        // Enter sends a carriage return, Backspace a delete. typing.c has no keys for 1C to 1F.
        const char *expected = byte == '\n' ? "\r" : byte == '\b' ? "\x7f" : text;
        if (byte >= 0x1c && byte <= 0x1f)
            continue;
        there_and_back(text, expected);
    }
}

static void every_sequence(void **state)
{
    (void)state;
    static const char *const sequences[] = {
        "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[2~", "\x1b[3~", "\x1b[5~", "\x1b[6~",
        "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~",
        "\x1b[21~", "\x1b[23~", "\x1b[24~",
    };
    for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++)
        there_and_back(sequences[i], sequences[i]);
}

static void type(const uint8_t *codes, size_t number, const char *expected)
{
    memset(&keys, 0, sizeof(keys));
    count = 0;
    sent[0] = '\0';
    for (size_t i = 0; i < number; i++)
        feed(codes[i]);
    assert_string_equal(sent, expected);
}
#define CODES(...)          (const uint8_t[]){ __VA_ARGS__ }
#define TYPE(expected, ...) type(CODES(__VA_ARGS__), sizeof(CODES(__VA_ARGS__)), expected)

static void what_is_held(void **state)
{
    (void)state;
    TYPE("aAa", 0x1e, 0x9e, 0x2a, 0x1e, 0x9e, 0xaa, 0x1e);
    TYPE("AA", 0x2a, 0x36, 0x1e, 0xaa, 0x1e);             // one of two is let go
    TYPE("A1aA", 0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0xaa, 0x1e); // Caps Lock is of letters, and Shift undoes it
    TYPE("\x03" "c", 0x1d, 0x2e, 0xae, 0x9d, 0x2e);
    TYPE("\x1d", 0xe0, 0x1d, 0x1b);                       // right Control and ]
    TYPE("aaa", 0x1e, 0x1e, 0x1e, 0x9e);                  // held down, it repeats
    TYPE("\x1b[A", 0xe0, 0x2a, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0xaa); // as with Num Lock
    TYPE("a", 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e);  // Pause, and no Control is held after it
}

static void any_codes(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (unsigned i = 0; i < ROUNDS; i++) {
        count = 0;
        feed((uint8_t)host_random(&seed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte), cmocka_unit_test(every_sequence), cmocka_unit_test(what_is_held),
        cmocka_unit_test(any_codes),
    };
    return cmocka_run_group_tests_name("hostkeys", tests, NULL, NULL);
}
