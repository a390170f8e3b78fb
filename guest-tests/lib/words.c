// SPDX-License-Identifier: MIT
// The words of the command line, and the test that one of them names.
#include "guest-tests/lib/guest.h"

bool text_equal(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

// The text after `name` where it starts a word, NULL if it is not there.
static const char *find_word(const char *name)
{
    const char *text = cmdline();
    for (unsigned i = 0; text[i] && i < 4096; i++) {
        unsigned n = 0;
        if (i > 0 && text[i - 1] != ' ')
            continue;
        while (name[n] && text[i + n] == name[n])
            n++;
        if (!name[n])
            return text + i + n;
    }
    return NULL;
}

bool cmdline_word(const char *word)
{
    const char *rest = find_word(word);
    return rest && (*rest == 0 || *rest == ' ');
}

uint64_t cmdline_number(const char *name, uint64_t default_value)
{
    const char *p = find_word(name);
    uint64_t value = 0;
    unsigned base = 10;
    if (!p || *p++ != '=')
        return default_value;
    if (p[0] == '0' && p[1] == 'x') {
        base = 16;
        p += 2;
    }
    for (;; p++) {
        unsigned digit = *p >= '0' && *p <= '9'   ? (unsigned)(*p - '0')
                         : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
                                                  : 99;
        if (digit >= base)
            return value;
        value = value * base + digit;
    }
}

void run_named_test(const struct named_test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cmdline_word(tests[i].word)) {
            tests[i].run();
            return;
        }
    }
    plan(1);
    ok(false, "which one? one of:");
    for (size_t i = 0; i < count; i++)
        diag("  %s", tests[i].word);
}
