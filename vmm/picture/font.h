// SPDX-License-Identifier: MIT
// The glyphs of the monitor's screen: 8 by 16 pixels, a byte a row with the leftmost pixel in bit 7. tools/font makes
// the table of a font that tools/fetch-font fetches. First the characters from U+0020 to U+007E, then those from U+00A0
// to U+00FF, then one for all others.
#ifndef VMM_PICTURE_FONT_H
#define VMM_PICTURE_FONT_H

#include <stdint.h>

#define FONT_WIDTH   8u
#define FONT_HEIGHT  16u
#define FONT_UNKNOWN 191u
#define FONT_GLYPHS  192u

extern const uint8_t font_glyphs[FONT_GLYPHS][FONT_HEIGHT];

// Which glyph a character of Unicode has.
static inline uint8_t font_glyph(uint32_t code)
{
    if (code >= 0x20 && code < 0x7f)
        return (uint8_t)(code - 0x20);
    if (code >= 0xa0 && code < 0x100)
        return (uint8_t)(code - 0xa0 + 95);
    return FONT_UNKNOWN;
}

#endif
