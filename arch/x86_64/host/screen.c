// SPDX-License-Identifier: MIT
// The host's text screen in VGA's mode 3 (IBM VGA Technical Reference): cells of a character and an attribute from
// 0xb8000 on, the cursor in the CRT controller. Called by the host's half of the seam, beside the serial port.
#include "arch/x86_64/host/screen.h"

#include <string.h>

#include "arch/x86_64/host/x86.h"

#define CELLS       ((uint16_t *)UINT64_C(0xb8000))
#define COLUMNS     80u
#define ROWS        25u
#define GREY_BLANK  0x0720u
#define GREY        0x0700u
#define CRTC_INDEX  0x3d4
#define CRTC_DATA   0x3d5
#define CURSOR_HIGH 0x0e
#define CURSOR_LOW  0x0f
#define ESCAPE      0x1b

enum { PLAIN, ESCAPED, SEQUENCE }; // after: nothing, ESC, ESC [

static struct {
    bool     taken;
    uint8_t  state;
    unsigned row, column;
} screen;

static void blank(unsigned row)
{
    for (unsigned i = 0; i < COLUMNS; i++)
        CELLS[row * COLUMNS + i] = GREY_BLANK;
}

static void move_cursor(void)
{
    unsigned at = screen.row * COLUMNS + screen.column;
    x86_out8(CRTC_INDEX, CURSOR_HIGH);
    x86_out8(CRTC_DATA, (uint8_t)(at >> 8));
    x86_out8(CRTC_INDEX, CURSOR_LOW);
    x86_out8(CRTC_DATA, (uint8_t)at);
}

static void new_line(void)
{
    screen.column = 0;
    if (screen.row + 1 < ROWS) {
        screen.row++;
        return;
    }
    memmove(CELLS, CELLS + COLUMNS, (ROWS - 1) * COLUMNS * sizeof(*CELLS));
    blank(ROWS - 1);
}

static void put(uint8_t byte)
{
    switch (byte) {
    case '\n': new_line(); break;
    case '\r': screen.column = 0; break;
    case '\b': screen.column -= screen.column != 0; break;
    case ESCAPE: screen.state = ESCAPED; break;
    default:
        if (byte < ' ')
            break;
        if (screen.column == COLUMNS)
            new_line();
        CELLS[screen.row * COLUMNS + screen.column++] = (uint16_t)(GREY | byte);
        break;
    }
}

// ECMA-48, 5.4: parameters and intermediates are below '@'.
static void skip(uint8_t byte)
{
    if (screen.state == ESCAPED)
        screen.state = byte == '[' ? SEQUENCE : PLAIN;
    else if (byte >= '@')
        screen.state = PLAIN;
}

void hostscreen_take(void)
{
    screen.taken = true;
    for (unsigned row = 0; row < ROWS; row++)
        blank(row);
    move_cursor();
}

bool hostscreen_taken(void)
{
    return screen.taken;
}

void hostscreen_write(const char *bytes, size_t count)
{
    if (!screen.taken)
        return;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)bytes[i];
        if (screen.state == PLAIN)
            put(byte);
        else
            skip(byte);
    }
    move_cursor();
}
