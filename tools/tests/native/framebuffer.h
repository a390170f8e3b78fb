// SPDX-License-Identifier: MIT
// A screen for the tests of those who draw on one: an allocation of its own, so that the sanitizer sees a pixel outside
// it, of a layout that a PC has.
#ifndef TOOLS_TESTS_NATIVE_FRAMEBUFFER_H
#define TOOLS_TESTS_NATIVE_FRAMEBUFFER_H

#include "vmm/base/bootinfo.h"

#define FRAMEBUFFER_LAYOUTS   7u
#define FRAMEBUFFER_UNTOUCHED 0x5a // each byte, before anything is drawn

// `spare` bytes are behind each line.
struct boot_screen framebuffer_make(unsigned layout, uint32_t width, uint32_t height, uint32_t spare);
void               framebuffer_free(const struct boot_screen *screen);

uint32_t framebuffer_pixel(const struct boot_screen *screen, uint32_t x, uint32_t y);
uint32_t framebuffer_field(uint32_t pixel, struct boot_field field);

// All colours of a pixel are as bright as they can be, or dark.
bool framebuffer_white(const struct boot_screen *screen, uint32_t pixel);
bool framebuffer_black(const struct boot_screen *screen, uint32_t pixel);

#endif
