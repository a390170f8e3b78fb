// SPDX-License-Identifier: MIT
// The guest's text screen: see screen.h. A row is drawn or printed when a sum over its cells has changed, so that
// nothing of the screen is kept twice. The terminal's sequences are those of ECMA-48, and xterm's second screen.
#include "vmm/screen.h"

#include <string.h>

#include "arch/arch.h"
#include "vmm/cp437.h"
#include "vmm/base/fnv.h"
#include "vmm/base/format.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/vm.h"

#define DRAW_SLICES    5  // between two looks: as often as a person sees, 50 ms
#define FOLLOW_SLICES  10 // 100 ms
#define WINDOW_CELLS   (VGA_WINDOW_BYTES / 2)
#define ATTRIBUTE_GREY 0x07
#define PEN_BYTES      256
#define PEN_CELL_MAX   24 // bytes that a cell can need
// Without DECAWM, so that what is right of a narrower terminal is cut off.
#define SECOND_SCREEN  "\x1b[?1049h\x1b[?7l\x1b[0m\x1b[2J"
#define FIRST_SCREEN   "\x1b[0m\x1b[?25h\x1b[?7h\x1b[?1049l"
#define NOT_TEXT       "\x1b[H[the guest's screen is in a graphics mode, which is not shown; Ctrl-] s goes back]\x1b[J"

// What is looked at: the layout within the limits, and the memory.
struct view {
    struct text_layout layout;
    const uint8_t     *window;
    uint16_t           columns, rows;
};

static enum machine_screen look(const struct vm *vm, struct view *view)
{
    enum machine_screen kind = machine_screen(vm, &view->layout, &view->window);
    if (kind != SCREEN_NONE) {
        view->columns = view->layout.columns < SCREEN_COLUMNS ? view->layout.columns : SCREEN_COLUMNS;
        view->rows = view->layout.rows < SCREEN_ROWS ? view->layout.rows : SCREEN_ROWS;
    }
    return kind;
}

// Character and attribute.
static const uint8_t *cell(const struct view *view, unsigned row, unsigned column)
{
    return view->window + 2 * ((view->layout.start + row * view->layout.pitch + column) % WINDOW_CELLS);
}

static uint64_t sum_of(const struct view *view, unsigned row)
{
    uint64_t sum = FNV_START;
    for (unsigned column = 0; column < view->columns; column++) {
        const uint8_t *at = cell(view, row, column);
        sum = fnv_add(sum, at[0] | (unsigned)at[1] << 8);
    }
    return sum;
}

// --- drawn ----------------------------------------------------------------------------------------------------------

struct pen {
    size_t   count;
    unsigned drawn; // rows
    uint8_t  attribute;
    char     bytes[PEN_BYTES];
};

static void pen_flush(struct pen *pen)
{
    console_write(pen->bytes, pen->count);
    pen->count = 0;
}

// Blue and red have each other's places in a terminal's colours.
static unsigned colour(unsigned of_screen)
{
    return (of_screen & 2) | (of_screen >> 2 & 1) | (of_screen & 1) << 2;
}

static void draw_cell(struct pen *pen, const uint8_t *at)
{
    uint8_t attribute = at[1];
    if (pen->count > PEN_BYTES - PEN_CELL_MAX)
        pen_flush(pen);
    if (attribute != pen->attribute)
        pen->count += format(pen->bytes + pen->count, PEN_BYTES - pen->count, "\x1b[0;%u;%u%sm",
                             ((attribute & 8) != 0 ? 90 : 30) + colour(attribute), 40 + colour(attribute >> 4),
                             (attribute & 0x80) != 0 ? ";5" : "");
    pen->attribute = attribute;
    pen->count += cp437_utf8(at[0], pen->bytes + pen->count);
}

// The row is cleared first: after its last character a terminal of as many columns would clear that one.
static void draw_row(struct pen *pen, const struct view *view, unsigned row)
{
    pen_flush(pen);
    pen->drawn++;
    pen->attribute = ATTRIBUTE_GREY;
    pen->count = format(pen->bytes, PEN_BYTES, "\x1b[%u;1H\x1b[0m\x1b[K\x1b[0;37;40m", row + 1);
    for (unsigned column = 0; column < view->columns; column++)
        draw_cell(pen, cell(view, row, column));
    pen_flush(pen);
    pen->count = format(pen->bytes, PEN_BYTES, "\x1b[0m");
}

// Rows that were drawn when the screen had more of them.
static void erase_from(struct screen *screen, struct pen *pen, unsigned row)
{
    bool stale = false;
    for (unsigned i = row; i < SCREEN_ROWS; i++) {
        stale |= screen->drawn[i] != 0;
        screen->drawn[i] = 0;
    }
    if (!stale)
        return;
    pen_flush(pen);
    pen->drawn++;
    pen->count = format(pen->bytes, PEN_BYTES, "\x1b[%u;1H\x1b[J", row + 1);
}

static void draw_cursor(struct screen *screen, struct pen *pen, const struct view *view)
{
    const struct text_layout *layout = &view->layout;
    unsigned at = layout->cursor - layout->start, pitch = layout->pitch != 0 ? layout->pitch : 1;
    bool shown = layout->cursor != VGA_NO_CURSOR && layout->cursor >= layout->start && at / pitch < view->rows;
    unsigned place = shown ? at : UINT32_MAX;
    pen_flush(pen);
    if (pen->drawn == 0 && place == screen->drawn_cursor)
        return;
    screen->drawn_cursor = place;
    pen->count = shown ? format(pen->bytes, PEN_BYTES, "\x1b[%u;%uH\x1b[?25h", at / pitch + 1, at % pitch + 1)
                       : format(pen->bytes, PEN_BYTES, "\x1b[?25l");
    pen_flush(pen);
}

static void draw(struct vm *vm)
{
    struct pen pen = { .count = 0 };
    struct view view;
    if (look(vm, &view) != SCREEN_TEXT) {
        console_write(NOT_TEXT, sizeof(NOT_TEXT) - 1);
        memset(vm->screen.drawn, 0, sizeof(vm->screen.drawn));
        return;
    }
    for (unsigned row = 0; row < view.rows; row++) {
        uint64_t sum = sum_of(&view, row);
        if (sum == vm->screen.drawn[row])
            continue;
        vm->screen.drawn[row] = sum;
        draw_row(&pen, &view, row);
    }
    erase_from(&vm->screen, &pen, view.rows);
    draw_cursor(&vm->screen, &pen, &view);
}

// --- followed -------------------------------------------------------------------------------------------------------

static void print_row(struct vm *vm, const struct view *view, unsigned row)
{
    char text[CP437_BYTES_MAX];
    unsigned columns = view->columns;
    while (columns != 0 && (cell(view, row, columns - 1)[0] & 0xdf) == 0) // a blank, or never written
        columns--;
    if (columns == 0)
        return;
    if (vm->console.last != '\n') { // the serial console has begun a line
        console_put(vm, '\r');
        console_put(vm, '\n');
    }
    for (unsigned column = 0; column < columns; column++) {
        size_t count = cp437_utf8(cell(view, row, column)[0], text);
        for (size_t i = 0; i < count; i++)
            console_put(vm, (uint8_t)text[i]);
    }
    console_put(vm, '\r');
    console_put(vm, '\n');
}

// By how many rows the screen has scrolled since: where most rows are as they were; 0 when nothing says that it has.
static unsigned scrolled(const struct screen *screen, const uint64_t *sums, unsigned rows)
{
    unsigned best = 0, best_same = 0;
    for (unsigned by = 0; by < rows; by++) {
        unsigned same = 0;
        for (unsigned row = 0; row + by < rows; row++)
            same += sums[row] == screen->followed[row + by] && sums[row] != sums[rows - 1];
        if (same > best_same) {
            best = by;
            best_same = same;
        }
    }
    return best;
}

static void follow(struct vm *vm)
{
    struct screen *screen = &vm->screen;
    struct view view;
    uint64_t sums[SCREEN_ROWS] = { 0 };
    if (look(vm, &view) != SCREEN_TEXT)
        return;
    for (unsigned row = 0; row < view.rows; row++)
        sums[row] = sum_of(&view, row);
    unsigned by = scrolled(screen, sums, view.rows);
    for (unsigned row = 0; row < view.rows; row++)
        if (row + by >= view.rows || sums[row] != screen->followed[row + by])
            print_row(vm, &view, row);
    memcpy(screen->followed, sums, sizeof(sums));
}

// --- what the others ask for ----------------------------------------------------------------------------------------

void screen_init(struct vm *vm)
{
    vm->screen.follow = vm->screen.active = vm->config.follow;
}

void screen_hold(struct screen *screen, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        screen->held[screen->held_count++ % SCREEN_HELD] = bytes[i];
}

static void write_held(struct screen *screen)
{
    uint32_t count = screen->held_count, at = count % SCREEN_HELD;
    if (count > SCREEN_HELD)
        console_write(screen->held + at, SCREEN_HELD - at);
    console_write(screen->held, at);
    screen->held_count = 0;
}

void screen_hide(struct vm *vm)
{
    struct screen *screen = &vm->screen;
    if (!screen->shown)
        return;
    screen->shown = false;
    screen->active = screen->follow;
    console_write(FIRST_SCREEN, sizeof(FIRST_SCREEN) - 1);
    write_held(screen);
}

void screen_toggle(struct vm *vm)
{
    static const char none[] = "[this machine has no screen]\r\n";
    static const char elsewhere[] = "[without screen=on the guest's screen is drawn on a serial terminal]\r\n";
    struct screen *screen = &vm->screen;
    struct view view;
    if (screen->shown) {
        screen_hide(vm);
    } else if (hostscreen_shown()) {
        console_write(elsewhere, sizeof(elsewhere) - 1);
    } else if (look(vm, &view) == SCREEN_NONE) {
        console_write(none, sizeof(none) - 1);
    } else {
        memset(screen->drawn, 0, sizeof(screen->drawn));
        screen->shown = screen->active = true;
        console_write(SECOND_SCREEN, sizeof(SECOND_SCREEN) - 1);
        draw(vm);
    }
}

void screen_poll(struct vm *vm)
{
    struct screen *screen = &vm->screen;
    htime_t host_now = arch_counter_read();
    if (screen->shown && host_now - screen->drawn_at >= DRAW_SLICES * vm->slice_cycles) {
        draw(vm);
        screen->drawn_at = arch_counter_read(); // a slow line must leave the guest some time
    }
    if (screen->follow && host_now - screen->followed_at >= FOLLOW_SLICES * vm->slice_cycles) {
        follow(vm);
        screen->followed_at = arch_counter_read();
    }
}

void screen_end(struct vm *vm)
{
    if (vm->screen.follow)
        follow(vm);
    screen_hide(vm);
}
