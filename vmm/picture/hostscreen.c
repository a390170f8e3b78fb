// SPDX-License-Identifier: MIT
// Draws what is written: see hostscreen.h. Called by the host's half of the seam with what goes to the serial port, by
// the boot code, and by console.c, which books the time that the pieces take.
#include "vmm/picture/hostscreen.h"

#include <string.h>

#include "arch/host.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/percpu.h"
#include "vmm/picture/font.h"
#include "vmm/picture/qrcode.h"
#include "vmm/picture/raster.h"
#include "vmm/picture/terminal.h"

#define PICTURES_A_S   10u
#define PIECES_A_S     10000u // 100 us each
#define GAPS_A_S       1000u  // from the end of one to the next
#define PENDING_BYTES  8192u
#define GREY_CELL      0x0700u // of VGA's text mode: the attribute is the high byte
#define INVERSE_CELL   0x7000u
#define VGA_START      0xa0000u // where every text mode is
#define VGA_END        0xc0000u

static struct {
    struct boot_screen from; // kind none until it is opened
    bool               shown, held;
    bool               inside;      // a cell is being drawn
    bool               drawing;     // a picture is not yet complete
    htime_t            began, paused; // that picture, or the last; the last piece's end
    uint32_t           row, column; // of that picture: the next cell; the first row is the status
    uint32_t           pending_count;
    struct raster      raster;
    struct terminal    terminal;
    uint8_t            status[TERMINAL_COLUMNS_MAX]; // glyphs of the row below it
    uint8_t            drawn[TERMINAL_ROWS_MAX][TERMINAL_COLUMNS_MAX];
    char               pending[PENDING_BYTES]; // written while a guest ran, and not yet looked at
} screen;

// A loader's mistake must not make us write over memory, whose or what for it may be.
static bool is_apart(const struct bootinfo *info, struct refusal *refusal)
{
    uint64_t start = info->screen.address, end = start + boot_screen_bytes(&info->screen);
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        if (range->type != MEMORY_RESERVED && start < range->end && range->start < end)
            return REFUSAL(refusal, "the loader says it is at %#lx, where memory is", start);
    }
    return start != 0 || REFUSAL(refusal, "the loader does not say where it is");
}

static bool open_pixels(const struct bootinfo *info, struct refusal *refusal)
{
    if (!raster_init(&screen.raster, &info->screen, refusal) || !is_apart(info, refusal))
        return false;
    terminal_init(&screen.terminal, screen.raster.columns, screen.raster.rows - 1);
    return true;
}

static bool open_text(const struct boot_screen *from, struct refusal *refusal)
{
    if (from->width == 0 || from->height < 2 || from->height > TERMINAL_ROWS_MAX || from->pitch != 2 * from->width ||
        from->width > TERMINAL_COLUMNS_MAX || from->address < VGA_START ||
        from->address + boot_screen_bytes(from) > VGA_END)
        return REFUSAL(refusal, "a text mode of %u by %u, %u bytes a line, at %#lx", from->width, from->height,
                       from->pitch, from->address);
    terminal_init(&screen.terminal, from->width, from->height - 1);
    return true;
}

static bool open_as_it_is(const struct bootinfo *info, bool reachable, struct refusal *refusal)
{
    const struct boot_screen *from = &info->screen;
    if (!reachable)
        return REFUSAL(refusal, "the loader says it is at %#lx, which is no place for it", from->address);
    return from->kind == BOOT_SCREEN_PIXELS ? open_pixels(info, refusal) : open_text(from, refusal);
}

void hostscreen_open(const struct bootinfo *info, bool reachable)
{
    struct refusal refusal = { "" };
    if (info->screen.kind == BOOT_SCREEN_NONE)
        return;
    if (open_as_it_is(info, reachable, &refusal))
        screen.from = info->screen;
    else
        log_line("screen", "it stays dark: %s", refusal.text);
}

const struct boot_screen *hostscreen_memory(void)
{
    return screen.from.kind == BOOT_SCREEN_PIXELS ? &screen.from : NULL;
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
    screen.inside = true;
    if (screen.from.kind == BOOT_SCREEN_TEXT)
        ((uint16_t *)(uintptr_t)screen.from.address)[row * screen.terminal.columns + column] =
            text_cell(glyph, inverse ? INVERSE_CELL : GREY_CELL);
    else
        raster_glyph(&screen.raster, row, column, glyph, inverse ? INK_BLACK : INK_GREY,
                     inverse ? INK_GREY : INK_BLACK);
    screen.inside = false;
    screen.drawn[row][column] = glyph;
}

// The rows of a picture come in this order: the status is the one that is new each time.
static uint32_t nth_row(uint32_t n)
{
    return n == 0 ? screen.terminal.rows : n - 1;
}

// Goes on with the picture, each of whose cells is looked at once, to its end or until it is `until`; 0: to its end.
static void draw(htime_t until)
{
    for (; screen.row <= screen.terminal.rows; screen.row++, screen.column = 0) {
        uint32_t row = nth_row(screen.row);
        const uint8_t *glyphs = glyphs_of(row);
        while (screen.column < terminal_columns(&screen.terminal, row)) {
            uint32_t column = screen.column++;
            if (glyphs[column] == screen.drawn[row][column])
                continue;
            draw_cell(row, column);
            if (until != 0 && arch_counter_read() >= until)
                return;
        }
    }
    screen.drawing = false;
}

static void begin_picture(void)
{
    terminal_write(&screen.terminal, screen.pending, screen.pending_count);
    screen.pending_count = 0;
    screen.row = screen.column = 0;
    screen.drawing = true;
}

static void draw_all(void)
{
    begin_picture();
    draw(0);
}

void hostscreen_show(void)
{
    if (screen.from.kind == BOOT_SCREEN_NONE)
        return;
    memset(screen.drawn, FONT_UNKNOWN + 1, sizeof(screen.drawn)); // a glyph that nothing is
    screen.shown = true;
    draw_all();
}

static void clear(void)
{
    const struct raster *raster = &screen.raster;
    screen.inside = true;
    raster_fill(raster, 0, 0, raster->columns * FONT_WIDTH * raster->scale, raster->rows * FONT_HEIGHT * raster->scale,
                INK_BLACK);
    screen.inside = false;
}

bool hostscreen_code(const char *text, size_t length, struct refusal *refusal)
{
    static struct qrcode code; // too much for the stack
    struct qrcode_place place;
    struct raster raster = screen.raster;
    if (!screen.shown)
        return REFUSAL(refusal, "there is no screen, or it is not used (screen=on)");
    if (screen.from.kind == BOOT_SCREEN_TEXT)
        return REFUSAL(refusal, "the screen is in a text mode, which has no pixels");
    if (!qrcode_encode(&code, text, length, refusal) ||
        !qrcode_fit(&code, &screen.from, &raster, text, length, &place, refusal))
        return false;
    clear();
    screen.raster = raster;
    terminal_init(&screen.terminal, raster.columns, raster.rows - 1);
    terminal_leave_room(&screen.terminal, place.rows, place.columns);
    terminal_write(&screen.terminal, text, length);
    screen.inside = true;
    qrcode_draw(&code, &raster, &place);
    screen.inside = false;
    memset(screen.drawn, FONT_UNKNOWN + 1, sizeof(screen.drawn));
    draw_all();
    return true;
}

// Of a fault in the drawing itself, the panic's lines would be the next to draw.
static bool may_draw(void)
{
    if (screen.inside && this_cpu()->panicking)
        screen.shown = false;
    return screen.shown && (!screen.held || this_cpu()->panicking);
}

void hostscreen_write(const void *bytes, size_t count)
{
    if (screen.from.kind == BOOT_SCREEN_NONE)
        return;
    if (count > PENDING_BYTES - screen.pending_count) {
        terminal_write(&screen.terminal, screen.pending, screen.pending_count);
        screen.pending_count = 0;
    }
    if (count > PENDING_BYTES)
        terminal_write(&screen.terminal, bytes, count);
    else
        memcpy(screen.pending + screen.pending_count, bytes, count);
    screen.pending_count += count > PENDING_BYTES ? 0 : (uint32_t)count;
    if (may_draw())
        draw_all();
}

void hostscreen_hold(bool held)
{
    screen.held = held;
    if (screen.shown && !held)
        draw_all();
}

bool hostscreen_due(void)
{
    if (!screen.shown)
        return false;
    htime_t host_now = arch_counter_read();
    return screen.drawing ? host_now - screen.paused >= arch_counter_hz() / GAPS_A_S
                          : host_now - screen.began >= arch_counter_hz() / PICTURES_A_S;
}

bool hostscreen_begin(htime_t host_now)
{
    if (screen.drawing)
        return false;
    screen.began = host_now;
    begin_picture();
    return true;
}

void hostscreen_piece(htime_t host_now)
{
    draw(host_now + arch_counter_hz() / PIECES_A_S);
    screen.paused = arch_counter_read();
}

void hostscreen_end(void)
{
    static const char end[] = "The end. The power switch does the rest.\r\n";
    hostscreen_write(end, sizeof(end) - 1);
}

void hostscreen_status(const char *text)
{
    bool ended = false;
    for (uint32_t i = 0; i < screen.terminal.columns; i++) {
        ended = ended || text[i] == '\0';
        screen.status[i] = ended ? 0 : font_glyph((uint8_t)text[i]);
    }
}
