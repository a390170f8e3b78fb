// SPDX-License-Identifier: MIT
// The screen that the loader has set up: a simple-framebuffer in /chosen (Linux, bindings/display/
// simple-framebuffer.yaml). Called by dtb.c. Pure. What its numbers are good for hostscreen.c says, later and aloud;
// here is refused what cannot be calculated with.
#include <string.h>

#include "boot/arm64/dtb_node.h"
#include "boot/arm64/simplefb.h"

#define HEIGHT_MAX 65536u

static bool read_screen(const void *tree, int node, struct boot_screen *out)
{
    struct dtb_range range;
    const char *format = dtb_string(tree, node, "format");
    struct boot_screen screen = {
        .kind = BOOT_SCREEN_PIXELS,
        .width = dtb_cell(tree, node, "width", 0, 0),
        .height = dtb_cell(tree, node, "height", 0, 0),
        .pitch = dtb_cell(tree, node, "stride", 0, 0),
    };
    if (!dtb_reg(tree, node, 0, &range) || format == NULL || !simplefb_read_format(format, &screen) ||
        screen.height > HEIGHT_MAX)
        return false;
    uint64_t bytes = boot_screen_bytes(&screen);
    if (bytes > range.size || range.start >= BOOT_SCREEN_END - bytes)
        return false;
    screen.address = range.start;
    *out = screen;
    return true;
}

void dtb_read_screen(const void *tree, int chosen, struct boot_screen *out)
{
    int depth = 0;
    for (int node = dtb_next(tree, chosen, &depth); node >= 0 && depth > 0; node = dtb_next(tree, node, &depth)) {
        if (dtb_compatible(tree, node, SIMPLEFB_COMPATIBLE) && dtb_enabled(tree, node) && read_screen(tree, node, out))
            return;
    }
}
