// SPDX-License-Identifier: MIT
// format() against the C library's snprintf: every conversion with every flag and edgy values, and buffers of every
// size.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "vmm/base/format.h"

#define ROUNDS 20000

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static char ours[1024], libc[1024];

// Compares the whole text and the returned length for one value; the conversion string is built at random.
#define SAME(text, ...)                                                                                                \
    do {                                                                                                               \
        size_t n_ours = format(ours, sizeof(ours), text, __VA_ARGS__);                                                 \
        int n_libc = snprintf(libc, sizeof(libc), text, __VA_ARGS__);                                                  \
        assert_string_equal(ours, libc);                                                                               \
        assert_int_equal(n_ours, n_libc);                                                                              \
    } while (0)

static void conversion(uint64_t *seed, char out[32], const char *length, const char *set)
{
    static const char flags[] = "-0+ #";
    char *at = out;
    *at++ = '%';
    char kind = set[host_random_range(seed, 0, strlen(set) - 1)];
    for (unsigned i = 0; i < 5; i++) {
        bool sign_only = flags[i] == '+' || flags[i] == ' ';
        bool hex_only = flags[i] == '#';
        bool allowed = kind == 's' || kind == 'c' ? flags[i] == '-'
                       : sign_only                ? kind == 'd' || kind == 'i'
                       : hex_only                 ? kind == 'x' || kind == 'X'
                                                  : true;
        if (allowed && (host_random(seed) & 3) == 0)
            *at++ = flags[i];
    }
    if ((host_random(seed) & 1) != 0)
        at += sprintf(at, "%u", (unsigned)host_random_range(seed, 1, 40));
    if (kind != 'c' && (host_random(seed) & 1) != 0)
        at += sprintf(at, ".%u", (unsigned)host_random_range(seed, 0, 30));
    sprintf(at, "%s%c", length, kind);
}

static void numbers_are_the_c_librarys(void **state)
{
    (void)state;
    uint64_t seed = 1;
    char text[32];
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t value = host_random_edgy(&seed);
        conversion(&seed, text, "l", "dixXu");
        SAME(text, value);
        conversion(&seed, text, "ll", "dixXu");
        SAME(text, value);
        conversion(&seed, text, "z", "dixXu");
        SAME(text, value);
        conversion(&seed, text, "", "dixXu");
        SAME(text, (unsigned)value);
        conversion(&seed, text, "h", "dixXu");
        SAME(text, (unsigned)value);
        conversion(&seed, text, "hh", "dixXu");
        SAME(text, (unsigned)value);
    }
    print_message("# %u conversions of numbers equal snprintf's\n", ROUNDS * 6);
}

static void texts_are_the_c_librarys(void **state)
{
    (void)state;
    uint64_t seed = 2;
    char text[32];
    static const char *const words[] = { "", "a", "escapement", "a rather long text that exceeds widths" };
    for (unsigned i = 0; i < ROUNDS; i++) {
        const char *word = words[host_random(&seed) & 3];
        int character = (int)host_random_range(&seed, 1, 127);
        conversion(&seed, text, "", "s");
        SAME(text, word);
        conversion(&seed, text, "", "c");
        SAME(text, character);
    }
}

static void stars_and_percent(void **state)
{
    (void)state;
    SAME("[%*d]", 8, 42);
    SAME("[%*d]", -8, 42);
    SAME("[%.*s]", 3, "abcdef");
    SAME("[%.*s]", -1, "abcdef");
    SAME("100%% of %u", 7u);
    SAME("%p", (void *)0x1234abcd);
    SAME("[%5lu.%06lu]", 12ul, 345ul);
    const char *volatile nothing = NULL;
    format(ours, sizeof(ours), "%s", nothing);
    assert_string_equal(ours, "(null)");
}

// An unknown conversion shows in the text instead of eating an argument; an unfinished one at the end reads no further.
static void mistakes_show(void **state)
{
    (void)state;
    // volatile: the compiler would refuse these as constants.
    const char *volatile unknown = "a %q b", *volatile unfinished = "a %-08", *volatile only = "%";
    assert_int_equal(format(ours, sizeof(ours), unknown), 6);
    assert_string_equal(ours, "a %q b");
    format(ours, sizeof(ours), unfinished);
    assert_string_equal(ours, "a %-08");
    format(ours, sizeof(ours), only);
    assert_string_equal(ours, "%");
    const char *volatile huge = "%4294967295d";
    assert_int_equal(format(ours, sizeof(ours), huge, 1), 1023);
}

static void never_beyond_the_buffer(void **state)
{
    (void)state;
    const char *whole = "abc 0x2a def";
    for (size_t size = 0; size <= 20; size++) {
        memset(ours, '#', sizeof(ours));
        size_t used = format(ours, size, "abc %#x %s", 42u, "def");
        size_t expected = size == 0 ? 0 : size - 1 < strlen(whole) ? size - 1 : strlen(whole);
        assert_int_equal(used, expected);
        if (size > 0) {
            assert_memory_equal(ours, whole, expected);
            assert_int_equal(ours[expected], 0);
        }
        assert_int_equal(ours[size > 0 ? expected + 1 : 0], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_c_librarys), cmocka_unit_test(texts_are_the_c_librarys),
        cmocka_unit_test(stars_and_percent),          cmocka_unit_test(mistakes_show),
        cmocka_unit_test(never_beyond_the_buffer),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
