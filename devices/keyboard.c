// SPDX-License-Identifier: MIT
// The keyboard behind the keyboard controller: see keyboard.h. Called by i8042.c.
#include "devices/keyboard.h"

#define COMMAND_LEDS      0xed // and one byte
#define COMMAND_ECHO      0xee
#define COMMAND_SET       0xf0 // and one byte: 0 asks
#define COMMAND_IDENTIFY  0xf2
#define COMMAND_TYPEMATIC 0xf3 // and one byte
#define COMMAND_ENABLE    0xf4
#define COMMAND_DISABLE   0xf5 // and everything as at power-on
#define COMMAND_DEFAULT   0xf6
#define COMMAND_RESEND    0xfe
#define COMMAND_RESET     0xff

#define ANSWER_ACK        0xfa
#define ANSWER_RESEND     0xfe // not understood
#define ANSWER_TESTED     0xaa
#define ID_1              0xab
#define ID_2              0x83

#define PREFIX_EXTENDED   0xe0
#define PREFIX_RELEASED   0xf0 // set 2
#define RELEASED          0x80 // set 1
#define SET_2_F7          0x83 // the one key of set 2 above 7f
#define SET_1_F7          0x41
#define PRESS_BYTES       6    // the longest: a held key, and a key in set 2, with its release

// By the code in set 2.
static const uint8_t set_1[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, //
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, //
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, //
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, //
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, //
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, //
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, //
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, //
};

uint8_t keyboard_translate(uint8_t set_2)
{
    if (set_2 == SET_2_F7)
        return SET_1_F7;
    return set_2 < sizeof(set_1) ? set_1[set_2] : set_2;
}

static uint8_t to_set_2(uint8_t code)
{
    if (code == SET_1_F7)
        return SET_2_F7;
    uint8_t at = 0;
    while (at < sizeof(set_1) - 1 && set_1[at] != code)
        at++;
    return at;
}

void keyboard_init(struct keyboard *k)
{
    *k = (struct keyboard){ .set = 2, .scanning = true };
}

static void put(struct keyboard *k, uint8_t byte)
{
    if (k->count == KEYBOARD_BUFFER)
        return;
    k->buffer[(k->first + k->count) % KEYBOARD_BUFFER] = byte;
    k->count++;
}

bool keyboard_take(struct keyboard *k, uint8_t *byte)
{
    if (k->count == 0)
        return false;
    *byte = k->last = k->buffer[k->first];
    k->first = (uint8_t)((k->first + 1) % KEYBOARD_BUFFER);
    k->count--;
    return true;
}

// An answer goes before what was typed; a keyboard throws that away.
static void answer(struct keyboard *k, uint8_t byte)
{
    k->count = 0;
    put(k, byte);
}

static void parameter(struct keyboard *k, uint8_t command, uint8_t byte)
{
    bool known = command != COMMAND_SET || byte <= 2;
    answer(k, known ? ANSWER_ACK : ANSWER_RESEND);
    if (command == COMMAND_SET && byte == 0)
        put(k, k->set);
    else if (command == COMMAND_SET && known)
        k->set = byte;
}

void keyboard_write(struct keyboard *k, uint8_t byte)
{
    uint8_t command = k->command;
    k->command = 0;
    if (command != 0 && byte < COMMAND_LEDS) {
        parameter(k, command, byte);
        return;
    }
    switch (byte) {
    case COMMAND_ECHO: answer(k, COMMAND_ECHO); return;
    case COMMAND_RESEND: answer(k, k->last); return;
    case COMMAND_LEDS:
    case COMMAND_SET:
    case COMMAND_TYPEMATIC: k->command = byte; break;
    case COMMAND_ENABLE: k->scanning = true; break;
    case COMMAND_DISABLE:
    case COMMAND_DEFAULT:
    case COMMAND_RESET:
        k->set = 2;
        k->scanning = byte != COMMAND_DISABLE;
        break;
    case COMMAND_IDENTIFY: break;
    default: answer(k, ANSWER_RESEND); return;
    }
    answer(k, ANSWER_ACK);
    if (byte == COMMAND_IDENTIFY) {
        put(k, ID_1);
        put(k, ID_2);
    } else if (byte == COMMAND_RESET) {
        put(k, ANSWER_TESTED);
    }
}

static void put_code(struct keyboard *k, uint8_t code, bool extended, bool released)
{
    if (extended)
        put(k, PREFIX_EXTENDED);
    if (k->set == 1) {
        put(k, released ? code | RELEASED : code);
        return;
    }
    if (released)
        put(k, PREFIX_RELEASED);
    put(k, to_set_2(code));
}

bool keyboard_press(struct keyboard *k, const struct key *key)
{
    if (!k->scanning)
        return true;
    if (k->count > KEYBOARD_BUFFER - PRESS_BYTES)
        return false;
    if (key->held != 0)
        put_code(k, key->held, false, false);
    put_code(k, key->code, key->extended, false);
    put_code(k, key->code, key->extended, true);
    if (key->held != 0)
        put_code(k, key->held, false, true);
    return true;
}
