// SPDX-License-Identifier: MIT
// Pixels and their names: see simplefb.h. Called by screen_dtb.c, and by the loader for UEFI (boot/efi/arm64/tree.c).
#include "boot/arm64/simplefb.h"

#include <string.h>

struct format {
    const char       *name; // the highest bits first
    uint32_t          bits;
    struct boot_field red, green, blue;
};

// Of two names with the same colours the loader takes the first.
static const struct format formats[] = {
    { "r5g6b5", 16, { 11, 5 }, { 5, 6 }, { 0, 5 } },
    { "x1r5g5b5", 16, { 10, 5 }, { 5, 5 }, { 0, 5 } },
    { "a1r5g5b5", 16, { 10, 5 }, { 5, 5 }, { 0, 5 } },
    { "r8g8b8", 24, { 16, 8 }, { 8, 8 }, { 0, 8 } },
    { "x8r8g8b8", 32, { 16, 8 }, { 8, 8 }, { 0, 8 } },
    { "a8r8g8b8", 32, { 16, 8 }, { 8, 8 }, { 0, 8 } },
    { "x8b8g8r8", 32, { 0, 8 }, { 8, 8 }, { 16, 8 } },
    { "a8b8g8r8", 32, { 0, 8 }, { 8, 8 }, { 16, 8 } },
    { "x2r10g10b10", 32, { 20, 10 }, { 10, 10 }, { 0, 10 } },
    { "a2r10g10b10", 32, { 20, 10 }, { 10, 10 }, { 0, 10 } },
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

bool simplefb_read_format(const char *name, struct boot_screen *screen)
{
    for (unsigned i = 0; i < FORMATS; i++) {
        const struct format *format = &formats[i];
        if (strcmp(name, format->name) != 0)
            continue;
        screen->bits = format->bits;
        screen->red = format->red;
        screen->green = format->green;
        screen->blue = format->blue;
        return true;
    }
    return false;
}

static bool same(struct boot_field a, struct boot_field b)
{
    return a.at == b.at && a.bits == b.bits;
}

const char *simplefb_format_of(const struct boot_screen *screen)
{
    for (unsigned i = 0; i < FORMATS; i++) {
        const struct format *format = &formats[i];
        if (screen->bits == format->bits && same(screen->red, format->red) && same(screen->green, format->green) &&
            same(screen->blue, format->blue))
            return format->name;
    }
    return NULL;
}
