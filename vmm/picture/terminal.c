// SPDX-License-Identifier: MIT
// Keeps lines of text: see terminal.h. Called by hostscreen.c and by its native test.
#include "vmm/picture/terminal.h"

#include <string.h>

#include "vmm/picture/font.h"

#define ESCAPE 0x1b

enum { PLAIN, ESCAPED, SEQUENCE }; // after: nothing, ESC, ESC [

void terminal_init(struct terminal *terminal, uint32_t columns, uint32_t rows)
{
    memset(terminal, 0, sizeof(*terminal));
    terminal->columns = columns < TERMINAL_COLUMNS_MAX ? columns : TERMINAL_COLUMNS_MAX;
    terminal->rows = rows < TERMINAL_ROWS_MAX ? rows : TERMINAL_ROWS_MAX;
}

void terminal_leave_room(struct terminal *terminal, uint32_t rows, uint32_t columns)
{
    terminal->narrow_rows = rows < terminal->rows ? rows : terminal->rows;
    terminal->narrow_columns = columns < terminal->columns ? columns : terminal->columns;
}

static void new_line(struct terminal *terminal)
{
    terminal->column = 0;
    if (terminal->row + 1 < terminal->rows) {
        terminal->row++;
        return;
    }
    memmove(terminal->glyphs[0], terminal->glyphs[1], (terminal->rows - 1) * sizeof(terminal->glyphs[0]));
    memset(terminal->glyphs[terminal->rows - 1], 0, sizeof(terminal->glyphs[0]));
}

static void put(struct terminal *terminal, uint32_t code)
{
    if (terminal->column == terminal_columns(terminal, terminal->row))
        new_line(terminal);
    terminal->glyphs[terminal->row][terminal->column++] = font_glyph(code);
}

// Unicode 15, table 3-6: the first byte says how many follow.
static void begin_code(struct terminal *terminal, uint8_t byte)
{
    static const struct {
        uint8_t first, bits, more;
    } lengths[] = { { 0xf0, 0x07, 3 }, { 0xe0, 0x0f, 2 }, { 0xc0, 0x1f, 1 } };
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        if (byte >= lengths[i].first) {
            terminal->code = byte & lengths[i].bits;
            terminal->code_bytes = lengths[i].more;
            return;
        }
    }
    put(terminal, UINT32_MAX); // the middle of a character that never began
}

// False: the byte begins something else, and what was begun is one unknown character.
static bool go_on_with_code(struct terminal *terminal, uint8_t byte)
{
    bool fits = (byte & 0xc0) == 0x80;
    terminal->code = terminal->code << 6 | (byte & 0x3f);
    terminal->code_bytes = fits ? (uint8_t)(terminal->code_bytes - 1) : 0;
    if (terminal->code_bytes == 0)
        put(terminal, fits ? terminal->code : UINT32_MAX);
    return fits;
}

static void take(struct terminal *terminal, uint8_t byte)
{
    if (terminal->code_bytes != 0 && go_on_with_code(terminal, byte))
        return;
    switch (byte) {
    case '\n': new_line(terminal); break;
    case '\r': terminal->column = 0; break;
    case '\b': terminal->column -= terminal->column != 0; break;
    case ESCAPE: terminal->state = ESCAPED; break;
    default:
        if (byte >= 0x80)
            begin_code(terminal, byte);
        else if (byte >= ' ')
            put(terminal, byte);
        break;
    }
}

// ECMA-48, 5.4: parameters and intermediates are below '@'.
static void skip(struct terminal *terminal, uint8_t byte)
{
    if (byte == '\n' || byte == '\r') { // the end of a line is that, whatever was begun
        terminal->state = PLAIN;
        take(terminal, byte);
    } else if (terminal->state == ESCAPED) {
        terminal->state = byte == '[' ? SEQUENCE : PLAIN;
    } else if (byte >= '@') {
        terminal->state = PLAIN;
    }
}

void terminal_write(struct terminal *terminal, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < count; i++) {
        if (terminal->state == PLAIN)
            take(terminal, from[i]);
        else
            skip(terminal, from[i]);
    }
}
