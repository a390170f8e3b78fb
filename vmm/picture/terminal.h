// SPDX-License-Identifier: MIT
// Lines of text as a screen has them: what is written is kept in cells, and whoever draws compares them with what it
// drew last. UTF-8; line feed, carriage return, backspace; a terminal's sequences are skipped. Pure.
#ifndef VMM_PICTURE_TERMINAL_H
#define VMM_PICTURE_TERMINAL_H

#include "vmm/base/types.h"

#define TERMINAL_COLUMNS_MAX 160u
#define TERMINAL_ROWS_MAX    64u

struct terminal {
    uint32_t columns, rows; // within the limits, not 0
    uint32_t narrow_rows, narrow_columns; // the first rows, beside which a picture stands, have fewer columns
    uint32_t row, column;   // where the next character goes; column == columns: on the next line
    uint32_t code;          // of a character whose bytes have not all come
    uint8_t  code_bytes;    // that are missing
    uint8_t  state;
    uint8_t  glyphs[TERMINAL_ROWS_MAX][TERMINAL_COLUMNS_MAX]; // font.h's numbers; 0 is a blank
};

void terminal_init(struct terminal *terminal, uint32_t columns, uint32_t rows);
void terminal_write(struct terminal *terminal, const void *bytes, size_t count);

// Room for a picture beside the first rows, of a terminal to which nothing is written yet.
void terminal_leave_room(struct terminal *terminal, uint32_t rows, uint32_t columns);

static inline uint32_t terminal_columns(const struct terminal *terminal, uint32_t row)
{
    return row < terminal->narrow_rows ? terminal->narrow_columns : terminal->columns;
}

#endif
