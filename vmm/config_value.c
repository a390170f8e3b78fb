// SPDX-License-Identifier: MIT
// Reading the values of a configuration line: sizes, durations, numbers, names and choices. Called by config.c. Pure;
// every number is checked for overflow, every length for its bound.
#include "vmm/config_value.h"
#include "vmm/config.h"
#include <string.h>

bool text_is(struct text text, const char *s)
{
    return text.length == strlen(s) && memcmp(text.at, s, text.length) == 0;
}

bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

struct text text_until(struct text text, char stop)
{
    size_t i = 0;

    while (i < text.length && text.at[i] != stop)
        i++;
    return (struct text){ text.at, i };
}

void text_copy(char *to, struct text from)
{
    memcpy(to, from.at, from.length);
    to[from.length] = '\0';
}

bool text_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_printable(char c)
{
    return c > ' ' && c <= '~';
}

static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

struct quote text_quote(struct text text)
{
    struct quote quoted = { "" };
    size_t shown = text.length < 32 ? text.length : 32;

    for (size_t i = 0; i < shown; i++)
        quoted.text[i] = is_printable(text.at[i]) ? text.at[i] : '?';
    if (shown < text.length)
        memcpy(quoted.text + shown, "...", 4);
    return quoted;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

size_t text_distance(struct text unknown, const char *known)
{
    size_t row[16], length = strlen(known), rows = unknown.length < 32 ? unknown.length : 32;

    for (size_t k = 0; k <= length; k++)
        row[k] = k;
    for (size_t u = 1; u <= rows; u++) {
        size_t diagonal = row[0];
        row[0] = u;
        for (size_t k = 1; k <= length; k++) {
            size_t above = row[k];
            row[k] = smallest(above + 1, row[k - 1] + 1, diagonal + (unknown.at[u - 1] != known[k - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

// Digits at the front of `text` into *number; what follows them stays in *rest. False without digits or beyond 64 bits.
static bool parse_digits(struct text text, uint64_t *number, struct text *rest)
{
    size_t i = 0;

    *number = 0;
    for (; i < text.length && is_digit(text.at[i]); i++) {
        if (__builtin_mul_overflow(*number, UINT64_C(10), number) ||
            __builtin_add_overflow(*number, (uint64_t)(text.at[i] - '0'), number))
            return false;
    }
    *rest = (struct text){ text.at + i, text.length - i };
    return i > 0;
}

static bool parse_size(struct text text, uint64_t *bytes)
{
    uint64_t unit = 1;
    struct text rest;

    if (!parse_digits(text, bytes, &rest))
        return false;
    if (text_is(rest, "K"))
        unit = KIB;
    else if (text_is(rest, "M"))
        unit = MIB;
    else if (text_is(rest, "G"))
        unit = GIB;
    else if (rest.length != 0)
        return false;
    return !__builtin_mul_overflow(*bytes, unit, bytes);
}

// A bare number has no unit and is refused, except 0.
static bool parse_duration(struct text text, uint64_t *ms)
{
    struct text rest;

    if (!parse_digits(text, ms, &rest))
        return false;
    if (text_is(rest, "s"))
        return !__builtin_mul_overflow(*ms, UINT64_C(1000), ms);
    return text_is(rest, "ms") || (rest.length == 0 && *ms == 0);
}

static bool parse_number(struct text text, uint64_t *number)
{
    struct text rest;

    return parse_digits(text, number, &rest) && rest.length == 0;
}

static bool parse_signed(struct text text, uint64_t *number)
{
    bool negative = text.length > 0 && *text.at == '-';
    if (text.length > 0 && (negative || *text.at == '+'))
        text = (struct text){ text.at + 1, text.length - 1 };
    if (!parse_number(text, number) || *number > INT64_MAX)
        return false;
    *number = negative ? 0 - *number : *number;
    return true;
}

// Ten digits: three centuries, more than any zone or calendar test wants.
static bool parse_offset(struct text text, uint64_t *seconds)
{
    const size_t prefix = sizeof("variable:") - 1;

    if (text_is(text, "utc") || text_is(text, "localtime"))
        return true;
    if (text.length <= prefix || memcmp(text.at, "variable:", prefix) != 0)
        return false;
    struct text value = { text.at + prefix, text.length - prefix };
    bool has_sign = *value.at == '-' || *value.at == '+';
    return value.length <= 10u + has_sign && parse_signed(value, seconds);
}

static bool parse_choice(const char *allowed, struct text text, uint64_t *index)
{
    struct text left = { allowed, strlen(allowed) };

    for (*index = 0;; ++*index) {
        struct text choice = text_until(left, '|');
        if (text_equal(choice, text))
            return true;
        if (choice.length == left.length)
            return false;
        left = (struct text){ choice.at + choice.length + 1, left.length - choice.length - 1 };
    }
}

static bool parse_text(struct text text, bool any_printable, size_t room)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_name_char(text.at[i]) && !(any_printable && is_printable(text.at[i])))
            return false;
    }
    return text.length > 0 && text.length < room;
}

bool value_parse(const struct word *word, struct text text, uint64_t *number)
{
    *number = 0;
    switch (word->kind) {
    case WORD_NAME: return parse_text(text, false, CONFIG_NAME_MAX);
    case WORD_TEXT: return parse_text(text, true, CONFIG_KERNEL_MAX);
    case WORD_SIZE: return parse_size(text, number);
    case WORD_DURATION: return parse_duration(text, number);
    case WORD_NUMBER: return parse_number(text, number);
    case WORD_SIGNED: return parse_signed(text, number);
    case WORD_OFFSET: return parse_offset(text, number);
    case WORD_CHOICE: return parse_choice(word->allowed, text, number);
    }
    return false;
}
