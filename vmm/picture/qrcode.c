// SPDX-License-Identifier: MIT
// A text as a QR code: see qrcode.h. libqrcodegen, which tools/fetch-qrcodegen fetches, says which modules are black.
// Called by hostscreen.c and by its native test.
#include "vmm/picture/qrcode.h"

#include <qrcodegen.h>
#include <string.h>

#include "vmm/base/format.h"
#include "vmm/picture/font.h"

#define QUIET       4u  // modules of white on each side, as the standard asks
#define SCALE_MIN   2u  // pixels of a module that a camera can tell from its neighbours
#define COLUMNS_MIN 40u // of text beside it
#define LINES_AFTER 3u  // are still said after the text,
#define BYTES_AFTER 64u // of at most so many characters

_Static_assert(QRCODE_BYTES == qrcodegen_BUFFER_LEN_MAX, "the buffers hold any version");

bool qrcode_encode(struct qrcode *code, const char *text, size_t length, struct refusal *refusal)
{
    if (length > QRCODE_TEXT_MAX)
        return REFUSAL(refusal, "the text has %zu bytes, and a QR code holds %u", length, QRCODE_TEXT_MAX);
    memcpy(code->scratch, text, length);
    if (!qrcodegen_encodeBinary(code->scratch, length, code->modules, qrcodegen_Ecc_LOW, qrcodegen_VERSION_MIN,
                                qrcodegen_VERSION_MAX, qrcodegen_Mask_AUTO, true))
        return REFUSAL(refusal, "no version of a QR code holds a text of %zu bytes", length);
    code->side = (uint32_t)qrcodegen_getSize(code->modules);
    return true;
}

static uint32_t columns_of(const struct raster *raster, const struct qrcode_place *place, uint32_t row)
{
    return row < place->rows ? place->columns : raster->columns;
}

// As terminal.c breaks lines, if each byte is a character: a text of fewer has no more rows. The last row is the
// cursor's.
static uint32_t rows_of(const char *text, size_t length, const struct raster *raster, const struct qrcode_place *place)
{
    uint32_t row = 0, column = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' || column == columns_of(raster, place, row)) {
            row++;
            column = 0;
        }
        column += text[i] != '\n';
    }
    for (uint32_t i = 0; i < LINES_AFTER; i++)
        row += (BYTES_AFTER - 1) / columns_of(raster, place, row) + 1;
    return row + 1;
}

// In the corner, so large; false where that leaves too little beside it or below. The raster's last row is the status.
static bool place_at(const struct qrcode *code, const struct raster *raster, uint32_t scale, struct qrcode_place *out)
{
    uint32_t cell = FONT_WIDTH * raster->scale, line = FONT_HEIGHT * raster->scale;
    uint32_t side = (code->side + 2 * QUIET) * scale;
    *out = (struct qrcode_place){ .scale = scale, .x = raster->columns * cell - side };
    out->rows = (side + line - 1) / line;
    if (side + (COLUMNS_MIN + 1) * cell > raster->columns * cell || out->rows > raster->rows - 1)
        return false;
    out->columns = out->x / cell - 1; // one stays free
    return true;
}

bool qrcode_fit(const struct qrcode *code, const struct boot_screen *screen, struct raster *raster, const char *text,
                size_t length, struct qrcode_place *out, struct refusal *refusal)
{
    uint32_t modules = code->side + 2 * QUIET;
    for (;; raster_scale(raster, screen, raster->scale - 1)) {
        for (uint32_t scale = screen->height / modules; scale >= SCALE_MIN; scale--) {
            if (place_at(code, raster, scale, out) && rows_of(text, length, raster, out) <= raster->rows - 1)
                return true;
        }
        if (raster->scale == 1)
            break;
    }
    if (!place_at(code, raster, SCALE_MIN, out))
        return REFUSAL(refusal, "no room for %u by %u modules of %u pixels beside a text; a larger gfxmode= has it",
                       modules, modules, SCALE_MIN);
    out->rows = raster->rows - 1; // the text scrolls, and no row of it may become narrower than it was
    return true;
}

void qrcode_draw(const struct qrcode *code, const struct raster *raster, const struct qrcode_place *place)
{
    uint32_t scale = place->scale, side = (code->side + 2 * QUIET) * scale;
    raster_fill(raster, place->x, 0, side, side, INK_WHITE);
    for (uint32_t y = 0; y < code->side; y++) {
        for (uint32_t x = 0; x < code->side; x++) {
            if (qrcodegen_getModule(code->modules, (int)x, (int)y))
                raster_fill(raster, place->x + (QUIET + x) * scale, (QUIET + y) * scale, scale, scale, INK_BLACK);
        }
    }
}
