// SPDX-License-Identifier: MIT
// Draws glyphs and rectangles: see raster.h. Called by hostscreen.c, qrcode.c and their native tests.
#include "vmm/picture/raster.h"

#include <string.h>

#include "vmm/base/format.h"
#include "vmm/picture/font.h"
#include "vmm/picture/terminal.h"

#define LINES_A_SCALE 540u // a screen of 1080 lines has pixels of the font 2 high, one of 2160 lines 4
#define GREY_PER_256  176u
#define ROWS_MIN      2u // of text, and the status

// `level` of 256 in a field of so many bits.
static uint32_t shade(const struct boot_field *field, uint32_t level)
{
    uint32_t most = (UINT32_C(1) << field->bits) - 1;
    return (most * level / 256) << field->at;
}

static uint32_t pixel_of(const struct boot_screen *screen, uint32_t level)
{
    return shade(&screen->red, level) | shade(&screen->green, level) | shade(&screen->blue, level);
}

static bool field_fits(const struct boot_field *field, uint32_t bits)
{
    return field->bits >= 1 && field->bits <= 16 && field->at + field->bits <= bits;
}

static bool usable(const struct boot_screen *screen, struct refusal *refusal)
{
    uint32_t bits = screen->bits;
    if (bits != 16 && bits != 24 && bits != 32)
        return REFUSAL(refusal, "its pixels have %u bits: 16, 24 and 32 can be drawn", bits);
    if (!field_fits(&screen->red, bits) || !field_fits(&screen->green, bits) || !field_fits(&screen->blue, bits))
        return REFUSAL(refusal, "its colours lie outside its pixels");
    if (screen->width < FONT_WIDTH || screen->height < ROWS_MIN * FONT_HEIGHT || screen->width > UINT32_MAX / 4 ||
        screen->pitch < screen->width * (bits / 8) || boot_screen_bytes(screen) > GIB)
        return REFUSAL(refusal, "%u by %u pixels, %u bytes a line", screen->width, screen->height, screen->pitch);
    return true;
}

void raster_scale(struct raster *raster, const struct boot_screen *screen, uint32_t scale)
{
    uint32_t width = screen->width, height = screen->height;
    raster->scale = scale;
    raster->columns = width / (scale * FONT_WIDTH);
    raster->rows = height / (scale * FONT_HEIGHT);
    if (raster->columns > TERMINAL_COLUMNS_MAX)
        raster->columns = TERMINAL_COLUMNS_MAX;
    if (raster->rows > TERMINAL_ROWS_MAX)
        raster->rows = TERMINAL_ROWS_MAX;
    uint32_t left = (width - raster->columns * scale * FONT_WIDTH) / 2;
    uint32_t top = (height - raster->rows * scale * FONT_HEIGHT) / 2;
    raster->origin = (uint8_t *)(uintptr_t)screen->address + (size_t)top * screen->pitch + (size_t)left * raster->bytes;
}

bool raster_init(struct raster *raster, const struct boot_screen *screen, struct refusal *refusal)
{
    if (!usable(screen, refusal))
        return false;
    uint32_t scale = screen->height / LINES_A_SCALE;
    if (scale == 0 || screen->width < scale * FONT_WIDTH)
        scale = 1;
    *raster = (struct raster){ .pitch = screen->pitch, .bytes = screen->bits / 8 };
    raster->pixels[INK_GREY] = pixel_of(screen, GREY_PER_256);
    raster->pixels[INK_WHITE] = pixel_of(screen, 256);
    raster_scale(raster, screen, scale);
    return true;
}

// Little-endian, the low bytes of the pixel first.
static inline uint8_t *store(uint8_t *at, uint32_t bytes, uint32_t pixel)
{
    if (bytes == 4) {
        memcpy(at, &pixel, 4);
        return at + 4;
    }
    for (uint32_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(pixel >> 8 * i);
    return at + bytes;
}

static void draw_line(const struct raster *raster, uint8_t *at, uint8_t bits, uint32_t ink, uint32_t paper)
{
    for (uint32_t x = 0; x < FONT_WIDTH; x++, bits = (uint8_t)(bits << 1)) {
        for (uint32_t i = 0; i < raster->scale; i++)
            at = store(at, raster->bytes, (bits & 0x80) != 0 ? ink : paper);
    }
}

void raster_glyph(const struct raster *raster, uint32_t row, uint32_t column, uint8_t glyph, enum ink ink,
                  enum ink paper)
{
    const uint8_t *lines = font_glyphs[glyph < FONT_GLYPHS ? glyph : FONT_UNKNOWN];
    uint8_t *at = raster->origin + (size_t)row * FONT_HEIGHT * raster->scale * raster->pitch +
                  (size_t)column * FONT_WIDTH * raster->scale * raster->bytes;
    for (uint32_t y = 0; y < FONT_HEIGHT; y++) {
        for (uint32_t i = 0; i < raster->scale; i++, at += raster->pitch)
            draw_line(raster, at, lines[y], raster->pixels[ink], raster->pixels[paper]);
    }
}

void raster_fill(const struct raster *raster, uint32_t x, uint32_t y, uint32_t width, uint32_t height, enum ink ink)
{
    uint8_t *line = raster->origin + (size_t)y * raster->pitch + (size_t)x * raster->bytes;
    for (uint32_t i = 0; i < height; i++, line += raster->pitch) {
        uint8_t *at = line;
        for (uint32_t k = 0; k < width; k++)
            at = store(at, raster->bytes, raster->pixels[ink]);
    }
}
