// SPDX-License-Identifier: MIT
// A text as a QR code (ISO/IEC 18004), for a telephone to carry away: in the upper right corner of a screen, white with
// black modules, as large as it can be while the text, which goes round it, is on the screen as a whole. Pure.
#ifndef VMM_PICTURE_QRCODE_H
#define VMM_PICTURE_QRCODE_H

#include "vmm/picture/raster.h"

#define QRCODE_TEXT_MAX 2953u // bytes, in version 40 with the least correction
#define QRCODE_BYTES    3918u // of the modules of version 40, as libqrcodegen keeps them

struct qrcode {
    uint32_t side; // modules, without the quiet zone
    uint8_t  modules[QRCODE_BYTES];
    uint8_t  scratch[QRCODE_BYTES];
};

struct qrcode_place {
    uint32_t scale;         // pixels along each side of a module
    uint32_t x;             // of the quiet zone's first pixel, in the raster; its y is 0
    uint32_t rows, columns; // so many rows of text are beside it, and have only so many columns
};

// The version is the smallest one that holds the text. False: it is too long for any, *refusal says so.
bool qrcode_encode(struct qrcode *code, const char *text, size_t length, struct refusal *refusal);

// Makes the raster's letters smaller if the text would not fit otherwise; where they are the smallest, its end alone is
// seen, beside the code. False: there is no room for a code that can be read, *refusal says so.
bool qrcode_fit(const struct qrcode *code, const struct boot_screen *screen, struct raster *raster, const char *text,
                size_t length, struct qrcode_place *out, struct refusal *refusal);

void qrcode_draw(const struct qrcode *code, const struct raster *raster, const struct qrcode_place *place);

#endif
