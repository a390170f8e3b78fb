// SPDX-License-Identifier: MIT
// A terminal's bytes into keys: see typing.h. The sequences are those of ECMA-48 as xterm and the Linux console use
// them.
#include "vmm/typing.h"

#include <string.h>

#define ESCAPE         0x1b
#define CODE_ESCAPE    0x01
#define CODE_BACKSPACE 0x0e
#define CODE_ENTER     0x1c

enum { PLAIN, ESCAPED, SEQUENCE, PARAMETERS, FUNCTION }; // after: nothing, ESC, ESC [, its first number, ESC O

// By the make code in set 1; a blank is a code without a character.
#define LAYOUT_CODES 0x36
static const char plain[] = "  1234567890-=  qwertyuiop[]  asdfghjkl;'` \\zxcvbnm,./";
static const char shifted[] = "  !@#$%^&*()_+  QWERTYUIOP{}  ASDFGHJKL:\"~ |ZXCVBNM<>?";

// ESC [ final, or ESC O final.
static const struct {
    char    final;
    uint8_t code;
    bool    extended;
} finals[] = {
    { 'A', 0x48, true },  { 'B', 0x50, true },  { 'C', 0x4d, true },  { 'D', 0x4b, true },  { 'H', 0x47, true },
    { 'F', 0x4f, true },  { 'P', 0x3b, false }, { 'Q', 0x3c, false }, { 'R', 0x3d, false }, { 'S', 0x3e, false },
};

// ESC [ number ~, by the number. 0: no key. Up to 6 they are Home, Insert, Delete, End, and the two of pages, all
// extended; above are F1 to F12.
static const uint8_t numbered[] = {
    0,    0x47, 0x52, 0x53, 0x4f, 0x49, 0x51, 0,    0,    0,    0,    0x3b, 0x3c,
    0x3d, 0x3e, 0x3f, 0,    0x40, 0x41, 0x42, 0x43, 0x44, 0,    0x57, 0x58,
};
#define NUMBERED_EXTENDED_MAX 6

static unsigned one(struct key *out, uint8_t code, bool extended, uint8_t held)
{
    *out = (struct key){ code, extended, held };
    return 1;
}

static unsigned find(const char *layout, uint8_t byte, uint8_t held, struct key *out)
{
    const char *at = memchr(layout, byte, LAYOUT_CODES);
    return at != NULL ? one(out, (uint8_t)(at - layout), false, held) : 0;
}

static unsigned character(uint8_t byte, struct key *out)
{
    switch (byte) {
    case '\t': return one(out, 0x0f, false, 0);
    case '\r':
    case '\n': return one(out, CODE_ENTER, false, 0);
    case ' ': return one(out, 0x39, false, 0);
    case 0x08:
    case 0x7f: return one(out, CODE_BACKSPACE, false, 0);
    default: break;
    }
    if (byte > 0x7f || byte == 0)
        return 0;
    if (byte < ' ')
        return find(plain, byte | 0x60, KEY_CODE_CONTROL, out);
    unsigned count = find(plain, byte, 0, out);
    return count != 0 ? count : find(shifted, byte, KEY_CODE_SHIFT, out);
}

static unsigned final(uint8_t byte, struct key *out)
{
    for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++)
        if (finals[i].final == byte)
            return one(out, finals[i].code, finals[i].extended, 0);
    return 0;
}

// What is below the letters goes on: a second number says what is held, as in ESC [ 1 ; 5 C, and is not looked at.
static unsigned sequence(struct typing *t, uint8_t byte, struct key *out)
{
    if (t->state == SEQUENCE && byte >= '0' && byte <= '9') {
        t->number = (uint8_t)(t->number * 10 + (byte - '0'));
        return 0;
    }
    if (byte >= ' ' && byte < '@') {
        t->state = PARAMETERS;
        return 0;
    }
    uint8_t number = t->number;
    *t = (struct typing){ PLAIN, 0 };
    if (byte != '~')
        return final(byte, out);
    if (number >= sizeof(numbered) || numbered[number] == 0)
        return 0;
    return one(out, numbered[number], number <= NUMBERED_EXTENDED_MAX, 0);
}

unsigned typing_feed(struct typing *t, uint8_t byte, struct key *out)
{
    unsigned count = 0;
    switch (t->state) {
    case SEQUENCE:
    case PARAMETERS: return sequence(t, byte, out);
    case FUNCTION: *t = (struct typing){ PLAIN, 0 }; return final(byte, out);
    case ESCAPED:
        if (byte == '[' || byte == 'O') {
            *t = (struct typing){ byte == '[' ? SEQUENCE : FUNCTION, 0 };
            return 0;
        }
        count = typing_flush(t, out);
        break;
    default: break;
    }
    if (byte != ESCAPE)
        return count + character(byte, out + count);
    t->state = ESCAPED;
    return count;
}

unsigned typing_flush(struct typing *t, struct key *out)
{
    bool escape = t->state == ESCAPED;
    *t = (struct typing){ PLAIN, 0 };
    return escape ? one(out, CODE_ESCAPE, false, 0) : 0;
}
