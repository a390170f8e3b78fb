// SPDX-License-Identifier: MIT
// The QR code of a text: a program of other people's (zbarimg) reads it off the framebuffer, whole, and the text has
// its place round it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "tools/tests/native/framebuffer.h"
#include "tools/tests/native/host.h"
#include "vmm/picture/font.h"
#include "vmm/picture/qrcode.h"
#include "vmm/picture/terminal.h"

#define LINE_MIN 50 // characters, of a report card
#define LINE_MAX 90

static struct qrcode code;
static struct terminal terminal;
static char text[QRCODE_TEXT_MAX + 1];

// Any printable characters, in lines, the last byte the end of one.
static void make_text(size_t length, uint64_t *seed)
{
    size_t next = host_random_range(seed, LINE_MIN, LINE_MAX);
    for (size_t i = 0; i < length; i++) {
        bool ends = i == next || i + 1 == length;
        text[i] = ends ? '\n' : (char)host_random_range(seed, ' ', '~');
        next += ends ? 1 + host_random_range(seed, LINE_MIN, LINE_MAX) : 0;
    }
}

// zbarimg's answer to a picture of the screen, without the line's end that it adds itself.
static size_t read_code(const struct boot_screen *screen, char *out, size_t size)
{
    char path[40], command[120];
    snprintf(path, sizeof(path), "/tmp/qrcode-%ld.pgm", (long)getpid());
    FILE *picture = fopen(path, "wb");
    assert_non_null(picture);
    fprintf(picture, "P5 %u %u 255\n", screen->width, screen->height);
    for (uint32_t y = 0; y < screen->height; y++) {
        for (uint32_t x = 0; x < screen->width; x++)
            fputc(framebuffer_white(screen, framebuffer_pixel(screen, x, y)) ? 255 : 0, picture);
    }
    fclose(picture);
    snprintf(command, sizeof(command), "zbarimg --quiet --raw -Sdisable -Sqrcode.enable %s 2>/dev/null", path);
    FILE *answer = popen(command, "r");
    size_t length = fread(out, 1, size, answer);
    bool missing = WEXITSTATUS(pclose(answer)) == 127;
    unlink(path);
    if (missing)
        fail_msg("zbarimg is not here: tools/install-packages test installs it");
    return length == 0 ? 0 : length - 1;
}

static void check_whole(const struct boot_screen *screen, size_t length)
{
    static char found[2 * QRCODE_TEXT_MAX];
    size_t count = read_code(screen, found, sizeof(found));
    assert_int_equal(count, length);
    assert_memory_equal(found, text, length);
}

// The quiet zone is white, modules are black or white, and nothing else is touched.
static void check_pixels(const struct boot_screen *screen, const struct raster *raster, const struct qrcode_place *at)
{
    size_t from = (uintptr_t)raster->origin - screen->address;
    uint32_t left = (uint32_t)(from % screen->pitch) / raster->bytes + at->x, top = (uint32_t)(from / screen->pitch);
    uint32_t side = (code.side + 8) * at->scale, quiet = 4 * at->scale, untouched = 0;
    memset(&untouched, FRAMEBUFFER_UNTOUCHED, raster->bytes);
    for (uint32_t y = 0; y < screen->height; y++) {
        for (uint32_t x = 0; x < screen->width; x++) {
            uint32_t pixel = framebuffer_pixel(screen, x, y);
            bool inside = x - left < side && y - top < side;
            bool module = x - left - quiet < side - 2 * quiet && y - top - quiet < side - 2 * quiet;
            assert_true(inside ? framebuffer_white(screen, pixel) || (module && framebuffer_black(screen, pixel))
                               : pixel == untouched);
        }
    }
}

static void every_layout(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height, length, scale, letters;
    } screens[FRAMEBUFFER_LAYOUTS] = {
        { 800, 600, 1600, 2, 1 },  { 1024, 768, 1600, 4, 1 }, { 1280, 800, 1, 27, 1 },   { 1920, 1080, 2953, 4, 1 },
        { 640, 480, 1500, 2, 1 },  { 800, 600, 1850, 2, 1 },  { 1920, 1080, 1600, 4, 2 },
    };
    uint64_t seed = 11;
    struct refusal refusal = { "" };
    for (unsigned i = 0; i < FRAMEBUFFER_LAYOUTS; i++) {
        struct boot_screen screen = framebuffer_make(i, screens[i].width, screens[i].height, i % 3 * 4);
        struct raster raster;
        struct qrcode_place place;
        make_text(screens[i].length, &seed);
        assert_true(raster_init(&raster, &screen, &refusal));
        assert_true(qrcode_encode(&code, text, screens[i].length, &refusal));
        assert_true(qrcode_fit(&code, &screen, &raster, text, screens[i].length, &place, &refusal));
        assert_int_equal(place.scale, screens[i].scale);
        assert_int_equal(raster.scale, screens[i].letters);
        qrcode_draw(&code, &raster, &place);
        check_pixels(&screen, &raster, &place);
        check_whole(&screen, screens[i].length);
        framebuffer_free(&screen);
    }
}

// One that lacks a quarter is not read: so what is read was there.
static void a_quarter_less(void **state)
{
    (void)state;
    uint64_t seed = 12;
    char found[16];
    struct refusal refusal = { "" };
    struct boot_screen screen = framebuffer_make(0, 1024, 768, 0);
    struct raster raster;
    struct qrcode_place place;
    make_text(1000, &seed);
    assert_true(raster_init(&raster, &screen, &refusal) && qrcode_encode(&code, text, 1000, &refusal) &&
                qrcode_fit(&code, &screen, &raster, text, 1000, &place, &refusal));
    qrcode_draw(&code, &raster, &place);
    check_whole(&screen, 1000);
    uint32_t half = code.side / 2 * place.scale;
    raster_fill(&raster, place.x + half, half, half, half, INK_WHITE);
    assert_int_equal(read_code(&screen, found, sizeof(found)), 0);
    framebuffer_free(&screen);
}

static void what_is_too_long(void **state)
{
    (void)state;
    uint64_t seed = 13;
    struct refusal refusal = { "" };
    make_text(QRCODE_TEXT_MAX, &seed);
    assert_true(qrcode_encode(&code, text, QRCODE_TEXT_MAX, &refusal));
    assert_int_equal(code.side, 177);
    assert_false(qrcode_encode(&code, text, QRCODE_TEXT_MAX + 1, &refusal));
    assert_string_equal(refusal.text, "the text has 2954 bytes, and a QR code holds 2953");
}

// Does the text with what is still said after it have more rows than there are?
static bool scrolls(const struct raster *raster, uint32_t narrow_rows, uint32_t narrow_columns, size_t length)
{
    static const char after[] = "[    0.123456][cpu0] card: the QR code holds these 1234 bytes\n"
                                "ESCAPEMENT-END status=0 reason=report-card\n"
                                "The end. The power switch does the rest.\n";
    bool same = true;
    terminal_init(&terminal, raster->columns, raster->rows - 1);
    terminal_leave_room(&terminal, narrow_rows, narrow_columns);
    terminal_write(&terminal, text, length);
    terminal_write(&terminal, after, sizeof(after) - 1);
    for (uint32_t i = 0; i < narrow_columns && text[i] != '\n'; i++)
        same = same && terminal.glyphs[0][i] == font_glyph((uint8_t)text[i]);
    return !same;
}

// No cell of the text is on the code, and all of it is seen; true if not: then a smaller code or smaller letters could
// not help.
static bool check_place(const struct raster *raster, const struct qrcode_place *place, size_t length)
{
    uint32_t cell = FONT_WIDTH * raster->scale, line = FONT_HEIGHT * raster->scale;
    uint32_t side = (code.side + 8) * place->scale;
    assert_true(place->scale >= 2 && place->columns >= 40);
    assert_true(place->columns * cell < place->x && place->x + side == raster->columns * cell);
    assert_true(place->rows * line >= side && place->rows < raster->rows);
    if (!scrolls(raster, place->rows, place->columns, length))
        return false;
    assert_true(place->scale == 2 && raster->scale == 1 && place->rows == raster->rows - 1);
    assert_true(scrolls(raster, (side + line - 1) / line, place->columns, length));
    return true;
}

static void any_size(void **state)
{
    (void)state;
    uint64_t seed = 14;
    unsigned scrolled = 0, whole = 0, refused = 0;
    for (unsigned i = 0; i < 2000; i++) {
        struct boot_screen screen = { .kind = BOOT_SCREEN_PIXELS, .address = 0x1000, .bits = 32, .red = { 16, 8 },
                                      .green = { 8, 8 }, .blue = { 0, 8 } };
        struct raster raster;
        struct refusal refusal = { "" };
        struct qrcode_place place;
        screen.width = (uint32_t)host_random_range(&seed, 8, 4096);
        screen.height = (uint32_t)host_random_range(&seed, 32, 2400);
        screen.pitch = 4 * screen.width;
        if (i % 100 == 0) {
            size_t length = host_random_range(&seed, 1, QRCODE_TEXT_MAX);
            make_text(length, &seed);
            text[length] = '\0';
            assert_true(qrcode_encode(&code, text, length, &refusal));
        }
        assert_true(raster_init(&raster, &screen, &refusal));
        if (qrcode_fit(&code, &screen, &raster, text, strlen(text), &place, &refusal)) {
            bool end_alone = check_place(&raster, &place, strlen(text));
            scrolled += end_alone;
            whole += !end_alone;
        } else {
            assert_true(strstr(refusal.text, "no room") != NULL);
            refused++;
        }
    }
    printf("# %u whole, of %u the end, %u not\n", whole, scrolled, refused);
    assert_true(whole > 500 && scrolled > 100 && refused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout), cmocka_unit_test(a_quarter_less), cmocka_unit_test(what_is_too_long),
        cmocka_unit_test(any_size),
    };
    return cmocka_run_group_tests_name("qrcode", tests, NULL, NULL);
}
