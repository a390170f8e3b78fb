// SPDX-License-Identifier: MIT
// The monitor's screen: lines kept as a terminal would show them, and glyphs in framebuffers of every layout, read back
// from their pixels.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/framebuffer.h"
#include "tools/tests/native/host.h"
#include "vmm/picture/font.h"
#include "vmm/picture/raster.h"
#include "vmm/picture/terminal.h"

static struct terminal terminal;

static void write_text(const char *text)
{
    terminal_write(&terminal, text, strlen(text));
}

// Latin letters are shown as ?, what the font does not have as #.
static const char *row_text(uint32_t row)
{
    static char text[TERMINAL_COLUMNS_MAX + 1];
    for (uint32_t i = 0; i < terminal.columns; i++) {
        uint8_t glyph = terminal.glyphs[row][i];
        text[i] = glyph < 95 ? (char)(glyph + ' ') : glyph == FONT_UNKNOWN ? '#' : '?';
    }
    uint32_t end = terminal.columns;
    while (end != 0 && text[end - 1] == ' ')
        end--;
    text[end] = '\0';
    return text;
}

static void lines(void **state)
{
    (void)state;
    terminal_init(&terminal, 10, 3);
    write_text("one\r\ntwo\n0123456789");
    assert_string_equal(row_text(0), "one");
    assert_string_equal(row_text(2), "0123456789"); // a full line does not scroll before the next character
    write_text("a");
    assert_string_equal(row_text(0), "two");
    assert_string_equal(row_text(2), "a");
    write_text("bc\b\bX\rY\tZ\a");
    assert_string_equal(row_text(2), "YZc"); // a tab and a bell are nothing
    write_text("\n\n\n");
    assert_string_equal(row_text(0), "");
}

static void sequences(void **state)
{
    (void)state;
    terminal_init(&terminal, 40, 2);
    write_text("\x1b[1;31mred\x1b[0m \x1b[2J\x1b[10;20Hend\x1bM.");
    assert_string_equal(row_text(0), "red end.");
    terminal_init(&terminal, 40, 2);
    write_text("\xc3\xa9\xc2\xb5 \xe2\x82\xac \xf0\x9f\x98\x80 \xc3x \xff \x80\xc3");
    assert_string_equal(row_text(0), "?? # # #x # #");
    write_text("\xa9"); // the other half of the last
    assert_string_equal(row_text(0), "?? # # #x # #?");
}

static void limits(void **state)
{
    (void)state;
    uint64_t seed = 3;
    terminal_init(&terminal, UINT32_MAX, UINT32_MAX);
    assert_int_equal(terminal.columns, TERMINAL_COLUMNS_MAX);
    assert_int_equal(terminal.rows, TERMINAL_ROWS_MAX);
    for (uint32_t columns = 1; columns < 5; columns++) {
        terminal_init(&terminal, columns, columns);
        for (unsigned i = 0; i < 20000; i++) {
            uint8_t byte = (uint8_t)host_random(&seed);
            terminal_write(&terminal, &byte, 1);
            assert_true(terminal.row < columns && terminal.column <= columns);
        }
    }
}

static void room_for_a_picture(void **state)
{
    (void)state;
    terminal_init(&terminal, 10, 4);
    terminal_leave_room(&terminal, 2, 4);
    write_text("abcdefgh0123456789X");
    assert_string_equal(row_text(0), "abcd");
    assert_string_equal(row_text(1), "efgh");
    assert_string_equal(row_text(2), "0123456789");
    assert_string_equal(row_text(3), "X");
    terminal_init(&terminal, 10, 4);
    terminal_leave_room(&terminal, 2, 4);
    write_text("abcd\ne\n0123456789\nX");
    assert_string_equal(row_text(1), "e"); // a full narrow line does not scroll before the next character
    assert_string_equal(row_text(2), "0123456789");
}

// A glyph in a cell, both at random: each pixel has the ink's colour where the font has a bit, the paper's elsewhere.
static void check_glyph(const struct boot_screen *screen, const struct raster *raster, uint64_t *seed)
{
    uint32_t row = (uint32_t)host_random_range(seed, 0, raster->rows - 1);
    uint32_t column = (uint32_t)host_random_range(seed, 0, raster->columns - 1);
    uint8_t glyph = (uint8_t)host_random_range(seed, 0, FONT_GLYPHS - 1);
    raster_glyph(raster, row, column, glyph, INK_WHITE, INK_BLACK);
    uint32_t side = raster->scale, left = (screen->width - raster->columns * FONT_WIDTH * side) / 2,
             top = (screen->height - raster->rows * FONT_HEIGHT * side) / 2;
    for (uint32_t y = 0; y < FONT_HEIGHT * side; y++) {
        for (uint32_t x = 0; x < FONT_WIDTH * side; x++) {
            uint32_t pixel = framebuffer_pixel(screen, left + column * FONT_WIDTH * side + x,
                                               top + row * FONT_HEIGHT * side + y);
            bool ink = (font_glyphs[glyph][y / side] >> (7 - x / side) & 1) != 0;
            assert_true(ink ? framebuffer_white(screen, pixel) : framebuffer_black(screen, pixel));
        }
    }
}

static void every_layout(void **state)
{
    (void)state;
    static const uint32_t sizes[][3] = { { 800, 600, 1 }, { 1024, 768, 1 }, { 1366, 768, 1 }, { 1920, 1080, 2 },
                                         { 3840, 2160, 4 }, { 720, 1280, 2 }, { 8, 32, 1 }, { 9, 4000, 1 } };
    uint64_t seed = 5;
    struct refusal refusal;
    for (unsigned i = 0; i < FRAMEBUFFER_LAYOUTS; i++) {
        for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
            struct boot_screen screen = framebuffer_make(i, sizes[k][0], sizes[k][1], (uint32_t)(k % 3) * 4);
            struct raster raster;
            assert_true(raster_init(&raster, &screen, &refusal));
            assert_int_equal(raster.scale, sizes[k][2]);
            for (unsigned n = 0; n < 20; n++)
                check_glyph(&screen, &raster, &seed);
            raster_glyph(&raster, raster.rows - 1, raster.columns - 1, 255, INK_GREY, INK_BLACK); // beyond the font
            framebuffer_free(&screen);
        }
    }
}

static void what_cannot_be_drawn_on(void **state)
{
    (void)state;
    const struct boot_screen good = {
        .kind = BOOT_SCREEN_PIXELS, .address = 0x1000, .pitch = 4096, .width = 1024, .height = 768, .bits = 32,
        .red = { 16, 8 }, .green = { 8, 8 }, .blue = { 0, 8 },
    };
    struct raster raster;
    struct refusal refusal;
    assert_true(raster_init(&raster, &good, &refusal));
    struct boot_screen bad[8];
    for (unsigned i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].bits = 8;
    bad[1].bits = 15;
    bad[2].pitch = 4095;
    bad[3].width = 7;
    bad[4].height = 31;
    bad[5].red = (struct boot_field){ 30, 8 };
    bad[6].blue = (struct boot_field){ 0, 0 };
    bad[7].height = UINT32_MAX;
    for (unsigned i = 0; i < 8; i++) {
        refusal.text[0] = '\0';
        assert_false(raster_init(&raster, &bad[i], &refusal));
        assert_true(refusal.text[0] != '\0');
    }
    uint64_t seed = 9;
    for (unsigned i = 0; i < 100000; i++) { // anything: a plan that stays inside, or a refusal
        struct boot_screen any = good;
        any.width = (uint32_t)host_random_edgy(&seed);
        any.height = (uint32_t)host_random_edgy(&seed);
        any.pitch = (uint32_t)host_random_edgy(&seed);
        if (!raster_init(&raster, &any, &refusal))
            continue;
        uint64_t last = (uintptr_t)raster.origin - any.address +
                        ((uint64_t)raster.rows * FONT_HEIGHT * raster.scale - 1) * any.pitch +
                        (uint64_t)raster.columns * FONT_WIDTH * raster.scale * raster.bytes;
        assert_true(last <= (uint64_t)any.pitch * any.height);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),  cmocka_unit_test(sequences),    cmocka_unit_test(limits),
        cmocka_unit_test(room_for_a_picture), cmocka_unit_test(every_layout), cmocka_unit_test(what_cannot_be_drawn_on),
    };
    return cmocka_run_group_tests_name("hostscreen", tests, NULL, NULL);
}
