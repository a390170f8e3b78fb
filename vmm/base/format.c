// SPDX-License-Identifier: MIT
// printf-like text into a buffer: see format.h. Called by everything that prints; keeps no state, never allocates.
// An unknown conversion is copied as it stands, so that a mistake shows in the text.
#include "vmm/base/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sink {
    char *out;
    size_t size, used;
};

struct spec {
    bool left, zero, plus, space, alternate, has_precision;
    unsigned width, precision;
    char length; // 'H' is hh, 'q' is ll
    char conversion;
};

#define FIELD_MAX 1024u // a width or precision beyond this is a mistake

static void put(struct sink *sink, char c)
{
    if (sink->used + 1 < sink->size)
        sink->out[sink->used++] = c;
}

static void pad(struct sink *sink, char c, size_t have, size_t want)
{
    for (; have < want; have++)
        put(sink, c);
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    size_t length = 0;
    while ((!spec->has_precision || length < spec->precision) && text[length] != 0)
        length++;
    if (!spec->left)
        pad(sink, ' ', length, spec->width);
    for (size_t i = 0; i < length; i++)
        put(sink, text[i]);
    if (spec->left)
        pad(sink, ' ', length, spec->width);
}

// Digits of value, last first; returns their number. Zero has one digit unless the precision is 0 (C11 7.21.6.1).
static size_t digits_of(uint64_t value, unsigned base, bool upper, char out[24])
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t n = 0;
    for (; value != 0; value /= base)
        out[n++] = set[value % base];
    return n;
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t value, const char *prefix)
{
    char digits[24];
    unsigned base = spec->conversion == 'x' || spec->conversion == 'X' || spec->conversion == 'p' ? 16 : 10;
    size_t n = digits_of(value, base, spec->conversion == 'X', digits), prefix_length = strlen(prefix);
    size_t want = spec->has_precision ? spec->precision : 1;
    if (spec->zero && !spec->left && !spec->has_precision && spec->width > prefix_length + want)
        want = spec->width - prefix_length;
    size_t shown = prefix_length + (n > want ? n : want);
    if (!spec->left)
        pad(sink, ' ', shown, spec->width);
    for (size_t i = 0; i < prefix_length; i++)
        put(sink, prefix[i]);
    pad(sink, '0', n, want);
    while (n > 0)
        put(sink, digits[--n]);
    if (spec->left)
        pad(sink, ' ', shown, spec->width);
}

// The arguments travel as a pointer to a struct: va_list can be an array type, which cannot be passed by address.
struct arguments {
    va_list list;
};

static int64_t next_signed(struct arguments *arguments, char length)
{
    switch (length) {
    case 'H': return (signed char)va_arg(arguments->list, int);
    case 'h': return (short)va_arg(arguments->list, int);
    case 0: return va_arg(arguments->list, int);
    default: return va_arg(arguments->list, int64_t); // l, ll, z, j, t: 64 bits wide on every target
    }
}

static uint64_t next_unsigned(struct arguments *arguments, char length)
{
    switch (length) {
    case 'H': return (unsigned char)va_arg(arguments->list, unsigned);
    case 'h': return (unsigned short)va_arg(arguments->list, unsigned);
    case 0: return va_arg(arguments->list, unsigned);
    default: return va_arg(arguments->list, uint64_t);
    }
}

static void put_signed(struct sink *sink, const struct spec *spec, int64_t value)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    put_number(sink, spec, magnitude, value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "");
}

static void put_unsigned(struct sink *sink, const struct spec *spec, uint64_t value)
{
    const char *prefix = "";
    if (spec->alternate && value != 0)
        prefix = spec->conversion == 'x' ? "0x" : spec->conversion == 'X' ? "0X" : "";
    put_number(sink, spec, value, prefix);
}

static void set_width(struct spec *spec, int width)
{
    if (width < 0)
        spec->left = true;
    unsigned magnitude = width < 0 ? 0u - (unsigned)width : (unsigned)width;
    spec->width = magnitude > FIELD_MAX ? FIELD_MAX : magnitude;
}

static unsigned parse_number(const char **text)
{
    unsigned value = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        value = value >= FIELD_MAX ? FIELD_MAX : value * 10 + (unsigned)(**text - '0');
    return value > FIELD_MAX ? FIELD_MAX : value;
}

static void parse_flags(const char **text, struct spec *spec)
{
    for (;; (*text)++) {
        switch (**text) {
        case '-': spec->left = true; break;
        case '0': spec->zero = true; break;
        case '+': spec->plus = true; break;
        case ' ': spec->space = true; break;
        case '#': spec->alternate = true; break;
        default: return;
        }
    }
}

static void parse_precision(const char **text, struct spec *spec, struct arguments *arguments)
{
    if (**text != '.')
        return;
    (*text)++;
    spec->has_precision = true;
    if (**text != '*') {
        spec->precision = parse_number(text);
        return;
    }
    (*text)++;
    int precision = va_arg(arguments->list, int);
    spec->has_precision = precision >= 0; // negative: as if it were not there
    spec->precision = precision < 0 ? 0 : (unsigned)precision > FIELD_MAX ? FIELD_MAX : (unsigned)precision;
}

static void parse_length(const char **text, struct spec *spec)
{
    char c = **text;
    if (c != 'h' && c != 'l' && c != 'z' && c != 'j' && c != 't')
        return;
    (*text)++;
    spec->length = c;
    if ((c == 'h' || c == 'l') && **text == c) {
        spec->length = c == 'h' ? 'H' : 'q';
        (*text)++;
    }
}

static struct spec parse_spec(const char **text, struct arguments *arguments)
{
    struct spec spec = { 0 };
    parse_flags(text, &spec);
    if (**text == '*') {
        (*text)++;
        set_width(&spec, va_arg(arguments->list, int));
    } else {
        spec.width = parse_number(text);
    }
    parse_precision(text, &spec, arguments);
    parse_length(text, &spec);
    spec.conversion = **text;
    return spec;
}

static bool convert(struct sink *sink, const struct spec *spec, struct arguments *arguments)
{
    char character[2] = { 0 };
    switch (spec->conversion) {
    case 'd':
    case 'i': put_signed(sink, spec, next_signed(arguments, spec->length)); return true;
    case 'u':
    case 'x':
    case 'X': put_unsigned(sink, spec, next_unsigned(arguments, spec->length)); return true;
    case 'p': put_number(sink, spec, (uintptr_t)va_arg(arguments->list, void *), "0x"); return true;
    case 's': put_text(sink, spec, va_arg(arguments->list, const char *)); return true;
    case 'c':
        character[0] = (char)va_arg(arguments->list, int);
        put_text(sink, &(struct spec){ .left = spec->left, .width = spec->width }, character);
        return true;
    case '%': put(sink, '%'); return true;
    default: return false;
    }
}

size_t format_v(char *out, size_t size, const char *text, va_list list)
{
    struct sink sink = { .out = out, .size = size };
    struct arguments arguments;
    va_copy(arguments.list, list);
    while (*text != 0) {
        if (*text != '%') {
            put(&sink, *text++);
            continue;
        }
        const char *start = text++;
        struct spec spec = parse_spec(&text, &arguments);
        if (convert(&sink, &spec, &arguments)) {
            text++;
            continue;
        }
        while (start < text)
            put(&sink, *start++);
    }
    va_end(arguments.list);
    if (size > 0)
        out[sink.used] = 0;
    return sink.used;
}

size_t format(char *out, size_t size, const char *text, ...)
{
    va_list list;
    va_start(list, text);
    size_t used = format_v(out, size, text, list);
    va_end(list);
    return used;
}
