// SPDX-License-Identifier: MIT
// Draws what is written: see hostscreen.h. Called by the host's half of the seam with what goes to the serial port, by
// the boot code, and by console.c, which books the time that the pieces take.
#include "vmm/picture/hostscreen.h"

#include <string.h>

#include "arch/host.h"
#include "vmm/base/log.h"
#include "vmm/base/percpu.h"
#include "vmm/picture/font.h"
#include "vmm/picture/raster.h"
#include "vmm/picture/terminal.h"

#define PICTURES_A_S 10u
#define PIECES_A_S   10000u // 100 us each
#define GREY_CELL    0x0700u // of VGA's text mode: the attribute is the high byte
#define INVERSE_CELL 0x7000u

static struct {
    enum boot_screen_kind kind; // none until it is opened
    bool                  shown, held, drawing;
    htime_t               began; // the picture that is drawn, or was drawn last
    uint16_t             *cells; // of a text mode
    uint32_t              next;  // row of the picture that is drawn
    struct raster         raster;
    struct terminal       terminal;
    uint8_t               status[TERMINAL_COLUMNS_MAX]; // glyphs of the row below it
    uint8_t               drawn[TERMINAL_ROWS_MAX][TERMINAL_COLUMNS_MAX];
} screen;

static bool open_pixels(const struct boot_screen *from)
{
    struct refusal refusal;
    if (raster_init(&screen.raster, from, &refusal)) {
        terminal_init(&screen.terminal, screen.raster.columns, screen.raster.rows - 1);
        return true;
    }
    log_line("screen", "it stays dark: %s", refusal.text);
    return false;
}

static bool open_text(const struct boot_screen *from)
{
    screen.cells = (uint16_t *)(uintptr_t)from->address;
    terminal_init(&screen.terminal, from->width, from->height - 1);
    if (from->width == 0 || from->height < 2 || from->height > TERMINAL_ROWS_MAX || from->pitch != 2 * from->width ||
        from->width > TERMINAL_COLUMNS_MAX) {
        log_line("screen", "it stays dark: a text mode of %u by %u, %u bytes a line", from->width, from->height,
                 from->pitch);
        return false;
    }
    return true;
}

void hostscreen_open(const struct boot_screen *from)
{
    bool opened = from->kind == BOOT_SCREEN_PIXELS ? open_pixels(from) :
                  from->kind == BOOT_SCREEN_TEXT   ? open_text(from) :
                                                     false;
    screen.kind = opened ? from->kind : BOOT_SCREEN_NONE;
}

bool hostscreen_shown(void)
{
    return screen.shown;
}

// Glyphs that a text mode has at other places are left out: its font is code page 437.
static uint16_t text_cell(uint8_t glyph, uint32_t attribute)
{
    return (uint16_t)(attribute | (glyph < 95 ? glyph + 0x20u : '?'));
}

static uint32_t rows(void)
{
    return screen.terminal.rows + 1;
}

static bool is_status(uint32_t row)
{
    return row == screen.terminal.rows;
}

static const uint8_t *glyphs_of(uint32_t row)
{
    return is_status(row) ? screen.status : screen.terminal.glyphs[row];
}

static void draw_cell(uint32_t row, uint32_t column)
{
    uint8_t glyph = glyphs_of(row)[column];
    bool inverse = is_status(row);
    if (screen.kind == BOOT_SCREEN_TEXT)
        screen.cells[row * screen.terminal.columns + column] = text_cell(glyph, inverse ? INVERSE_CELL : GREY_CELL);
    else
        raster_glyph(&screen.raster, row, column, glyph, inverse ? INK_BLACK : INK_GREY,
                     inverse ? INK_GREY : INK_BLACK);
    screen.drawn[row][column] = glyph;
}

// False: it is `until`, and the row has more to draw.
static bool draw_row(uint32_t row, htime_t until)
{
    const uint8_t *glyphs = glyphs_of(row);
    for (uint32_t column = 0; column < screen.terminal.columns; column++) {
        if (glyphs[column] == screen.drawn[row][column])
            continue;
        draw_cell(row, column);
        if (until != 0 && arch_counter_read() >= until)
            return false;
    }
    return true;
}

// until 0: all of it.
static void draw(htime_t until)
{
    while (screen.next < rows() && draw_row(screen.next, until))
        screen.next++;
    screen.drawing = screen.next < rows();
}

static void draw_all(void)
{
    screen.next = 0;
    draw(0);
}

void hostscreen_show(void)
{
    if (screen.kind == BOOT_SCREEN_NONE)
        return;
    screen.shown = true;
    for (uint32_t row = 0; row < rows(); row++) {
        for (uint32_t column = 0; column < screen.terminal.columns; column++)
            draw_cell(row, column);
    }
}

void hostscreen_write(const void *bytes, size_t count)
{
    if (screen.kind == BOOT_SCREEN_NONE)
        return;
    terminal_write(&screen.terminal, bytes, count);
    if (screen.shown && (!screen.held || this_cpu()->panicking))
        draw_all();
}

void hostscreen_hold(bool held)
{
    screen.held = held;
    if (screen.shown && !held)
        draw_all();
}

bool hostscreen_due(htime_t host_now)
{
    return screen.shown && (screen.drawing || host_now - screen.began >= arch_counter_hz() / PICTURES_A_S);
}

bool hostscreen_begin(htime_t host_now)
{
    if (screen.drawing)
        return false;
    screen.drawing = true;
    screen.began = host_now;
    screen.next = 0;
    return true;
}

void hostscreen_status(const char *text)
{
    bool ended = false;
    for (uint32_t i = 0; i < screen.terminal.columns; i++) {
        ended |= text[i] == '\0';
        screen.status[i] = ended ? 0 : font_glyph((uint8_t)text[i]);
    }
}

void hostscreen_piece(htime_t host_now)
{
    draw(host_now + arch_counter_hz() / PIECES_A_S);
}
