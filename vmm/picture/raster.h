// SPDX-License-Identifier: MIT
// Glyphs and rectangles in a framebuffer of 16 to 32 bits a pixel, in the middle of it and so large that they can be
// read. Only writes: reading what a screen shows takes a hundred times as long as writing it. Pure.
#ifndef VMM_PICTURE_RASTER_H
#define VMM_PICTURE_RASTER_H

#include "vmm/base/bootinfo.h"

enum ink { INK_BLACK, INK_GREY, INK_WHITE, INKS };

struct raster {
    uint8_t *origin;  // of the text: its first pixel
    uint32_t pitch;   // bytes from a line to the next
    uint32_t bytes;   // of a pixel
    uint32_t scale;   // pixels of the screen along each side of one of the font
    uint32_t columns, rows;
    uint32_t pixels[INKS];
};

// Plans the text for a screen; false when it cannot be drawn on: *refusal says why. `rows` and `columns` are at most
// terminal.h's limits.
bool raster_init(struct raster *raster, const struct boot_screen *screen, struct refusal *refusal);

// The same with smaller letters, so that more of them fit.
void raster_scale(struct raster *raster, const struct boot_screen *screen, uint32_t scale);

void raster_glyph(const struct raster *raster, uint32_t row, uint32_t column, uint8_t glyph, enum ink ink,
                  enum ink paper);

// Pixels from that of the text's first cell on.
void raster_fill(const struct raster *raster, uint32_t x, uint32_t y, uint32_t width, uint32_t height, enum ink ink);

#endif
