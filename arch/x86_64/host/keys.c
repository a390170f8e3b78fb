// SPDX-License-Identifier: MIT
// What a key sends: see keys.h. Called by keyboard.c, and by a native test that types everything.
#include "arch/x86_64/host/keys.h"

#include <string.h>

#define RELEASED      0x80u
#define PREFIX        0xe0
#define PREFIX_PAUSE  0xe1
#define PAUSE_CODES   2 // after each E1
#define LEFT_SHIFT    0x2a
#define RIGHT_SHIFT   0x36
#define CONTROL       0x1d
#define CAPS_LOCK     0x3a
#define DELETE_BYTE   0x7f
#define LETTER_CASE   0x20

// By the code; a blank is one without a character.
#define LAYOUT_CODES 0x36
static const char plain[] = "  1234567890-=  qwertyuiop[]  asdfghjkl;'` \\zxcvbnm,./";
static const char shifted[] = "  !@#$%^&*()_+  QWERTYUIOP{}  ASDFGHJKL:\"~ |ZXCVBNM<>?";

struct special {
    uint8_t     code;
    bool        extended;
    const char *sends;
};

// As xterm and the Linux console send them (ECMA-48).
static const struct special specials[] = {
    { 0x01, false, "\x1b" },     { 0x0e, false, "\x7f" },     { 0x0f, false, "\t" },       { 0x1c, false, "\r" },
    { 0x39, false, " " },        { 0x1c, true, "\r" },        { 0x35, true, "/" },         { 0x48, true, "\x1b[A" },
    { 0x50, true, "\x1b[B" },    { 0x4d, true, "\x1b[C" },    { 0x4b, true, "\x1b[D" },    { 0x47, true, "\x1b[H" },
    { 0x4f, true, "\x1b[F" },    { 0x52, true, "\x1b[2~" },   { 0x53, true, "\x1b[3~" },   { 0x49, true, "\x1b[5~" },
    { 0x51, true, "\x1b[6~" },   { 0x3b, false, "\x1bOP" },   { 0x3c, false, "\x1bOQ" },   { 0x3d, false, "\x1bOR" },
    { 0x3e, false, "\x1bOS" },   { 0x3f, false, "\x1b[15~" }, { 0x40, false, "\x1b[17~" }, { 0x41, false, "\x1b[18~" },
    { 0x42, false, "\x1b[19~" }, { 0x43, false, "\x1b[20~" }, { 0x44, false, "\x1b[21~" }, { 0x57, false, "\x1b[23~" },
    { 0x58, false, "\x1b[24~" },
};

static bool is_letter(uint8_t byte)
{
    return (byte | LETTER_CASE) >= 'a' && (byte | LETTER_CASE) <= 'z';
}

static unsigned character(const struct hostkeys *keys, uint8_t code, uint8_t *bytes)
{
    bool shift = keys->shift[0] || keys->shift[1];
    uint8_t byte = code < LAYOUT_CODES ? (uint8_t)(shift ? shifted : plain)[code] : ' ';
    if (byte == ' ')
        return 0;
    if (keys->caps && is_letter(byte))
        byte ^= LETTER_CASE;
    if (keys->control[0] || keys->control[1])
        byte &= 0x1f;
    *bytes = byte;
    return 1;
}

// False: the code is no such key.
static bool hold(struct hostkeys *keys, uint8_t code, bool extended, bool pressed)
{
    if (code == CONTROL)
        keys->control[extended] = pressed;
    else if (code == LEFT_SHIFT || code == RIGHT_SHIFT)
        keys->shift[code == RIGHT_SHIFT] = pressed && !extended; // E0 2A and E0 36 come with other keys, alone
    else if (code == CAPS_LOCK)
        keys->caps ^= pressed;
    else
        return false;
    return true;
}

unsigned hostkeys_feed(struct hostkeys *keys, uint8_t code, uint8_t bytes[HOSTKEYS_BYTES])
{
    bool extended = keys->extended, pressed = (code & RELEASED) == 0;
    keys->extended = code == PREFIX;
    if (keys->ignore != 0) {
        keys->ignore--;
        return 0;
    }
    if (code == PREFIX_PAUSE)
        keys->ignore = PAUSE_CODES;
    if (code == PREFIX || code == PREFIX_PAUSE || hold(keys, code & (uint8_t)~RELEASED, extended, pressed) || !pressed)
        return 0;
    for (unsigned i = 0; i < sizeof(specials) / sizeof(*specials); i++) {
        if (specials[i].code == code && specials[i].extended == extended) {
            size_t length = strlen(specials[i].sends);
            memcpy(bytes, specials[i].sends, length);
            return (unsigned)length;
        }
    }
    return extended ? 0 : character(keys, code, bytes);
}
