// SPDX-License-Identifier: MIT
// print(): what the tests need of printf. The bytes go to the architecture's console.
#include "guest-tests/lib/guest.h"
#include "guest-tests/lib/console.h"

static void put_char(char c)
{
    if (c == '\n')
        console_byte('\r');
    console_byte(c);
}

static unsigned put_text(const char *text, int precision)
{
    unsigned length = 0;
    while (text[length] && (precision < 0 || length < (unsigned)precision))
        put_char(text[length++]);
    return length;
}

static unsigned put_number(uint64_t value, unsigned base, bool negative, unsigned width, bool zeros)
{
    char digits[24];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    unsigned length = n + negative;
    if (negative && zeros)
        put_char('-');
    for (unsigned i = length; i < width; i++)
        put_char(zeros ? '0' : ' ');
    if (negative && !zeros)
        put_char('-');
    while (n)
        put_char(digits[--n]);
    return length > width ? length : width;
}

// One conversion: flags, width and length as in %-12s %08lx %5ld %.4s.
struct conversion {
    bool left, zeros, wide;
    unsigned width;
    int precision;
    char kind;
};

static const char *parse_conversion(const char *p, struct conversion *c)
{
    *c = (struct conversion){ .precision = -1 };
    for (; *p == '-' || *p == '0'; p++) {
        c->left |= *p == '-';
        c->zeros |= *p == '0';
    }
    for (; *p >= '0' && *p <= '9'; p++)
        c->width = c->width * 10 + (unsigned)(*p - '0');
    if (*p == '.') {
        c->precision = 0;
        for (p++; *p >= '0' && *p <= '9'; p++)
            c->precision = c->precision * 10 + (*p - '0');
    }
    for (; *p == 'l' || *p == 'z'; p++)
        c->wide = true;
    c->kind = *p;
    return p;
}

static unsigned text_length(const char *text)
{
    unsigned length = 0;
    while (text[length])
        length++;
    return length;
}

static void put_string(const struct conversion *c, const char *text)
{
    unsigned used = 0;
    if (!c->left)
        for (unsigned i = text_length(text); i < c->width; i++)
            put_char(' ');
    used = put_text(text, c->precision);
    if (c->left)
        for (; used < c->width; used++)
            put_char(' ');
}

static void put_conversion(const struct conversion *c, va_list *args)
{
    unsigned used = 0;
    unsigned width = c->left ? 0 : c->width;
    if (c->kind == 's') {
        put_string(c, va_arg(*args, const char *));
        return;
    }
    if (c->kind == 'c') {
        put_char((char)va_arg(*args, int));
        return;
    }
    if (c->kind == 'd' || c->kind == 'i') {
        int64_t value = c->wide ? va_arg(*args, int64_t) : va_arg(*args, int);
        used = put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, width, c->zeros);
    } else if (c->kind == 'u' || c->kind == 'x' || c->kind == 'p') {
        bool wide = c->wide || c->kind == 'p';
        uint64_t value = wide ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);
        used = put_number(value, c->kind == 'u' ? 10 : 16, false, width, c->zeros);
    } else {
        put_char(c->kind);
    }
    for (; c->left && used < c->width; used++)
        put_char(' ');
}

void vprint(const char *format, va_list *args)
{
    struct conversion c;
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            put_char(*p);
            continue;
        }
        p = parse_conversion(p + 1, &c);
        put_conversion(&c, args);
    }
}

void print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprint(format, &args);
    va_end(args);
}
