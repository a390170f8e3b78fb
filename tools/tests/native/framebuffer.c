// SPDX-License-Identifier: MIT
// A screen of memory: see framebuffer.h.
#include "tools/tests/native/framebuffer.h"

#include <stdlib.h>
#include <string.h>

struct boot_screen framebuffer_make(unsigned layout, uint32_t width, uint32_t height, uint32_t spare)
{
    static const struct {
        struct boot_field red, green, blue;
        uint32_t          bits; // of a pixel
    } layouts[FRAMEBUFFER_LAYOUTS] = {
        { { 16, 8 }, { 8, 8 }, { 0, 8 }, 32 }, { { 0, 8 }, { 8, 8 }, { 16, 8 }, 32 },
        { { 20, 10 }, { 10, 10 }, { 0, 10 }, 32 }, { { 24, 8 }, { 16, 8 }, { 8, 8 }, 32 },
        { { 16, 8 }, { 8, 8 }, { 0, 8 }, 24 }, { { 11, 5 }, { 5, 6 }, { 0, 5 }, 16 },
        { { 10, 5 }, { 5, 5 }, { 0, 5 }, 16 },
    };
    struct boot_screen screen = { .kind = BOOT_SCREEN_PIXELS, .width = width, .height = height,
                                  .bits = layouts[layout].bits, .red = layouts[layout].red,
                                  .green = layouts[layout].green, .blue = layouts[layout].blue };
    screen.pitch = width * (screen.bits / 8) + spare;
    screen.address = (uintptr_t)malloc((size_t)screen.pitch * height);
    memset((void *)(uintptr_t)screen.address, FRAMEBUFFER_UNTOUCHED, (size_t)screen.pitch * height);
    return screen;
}

void framebuffer_free(const struct boot_screen *screen)
{
    free((void *)(uintptr_t)screen->address);
}

uint32_t framebuffer_pixel(const struct boot_screen *screen, uint32_t x, uint32_t y)
{
    uint32_t pixel = 0, bytes = screen->bits / 8;
    memcpy(&pixel, (const uint8_t *)(uintptr_t)screen->address + (size_t)y * screen->pitch + x * bytes, bytes);
    return pixel;
}

uint32_t framebuffer_field(uint32_t pixel, struct boot_field field)
{
    return pixel >> field.at & ((1u << field.bits) - 1);
}

static bool all(const struct boot_screen *screen, uint32_t pixel, uint32_t level)
{
    const struct boot_field fields[] = { screen->red, screen->green, screen->blue };
    bool same = true;
    for (unsigned i = 0; i < 3; i++)
        same = same && framebuffer_field(pixel, fields[i]) == (level & ((1u << fields[i].bits) - 1));
    return same;
}

bool framebuffer_white(const struct boot_screen *screen, uint32_t pixel)
{
    return all(screen, pixel, UINT32_MAX);
}

bool framebuffer_black(const struct boot_screen *screen, uint32_t pixel)
{
    return all(screen, pixel, 0);
}
