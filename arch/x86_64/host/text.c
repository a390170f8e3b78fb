// SPDX-License-Identifier: MIT
// The cursor of VGA's text mode (IBM VGA Technical Reference, CRT controller). Called by the boot code.
#include "arch/x86_64/host/text.h"

#include "arch/x86_64/host/x86.h"

#define CRTC_INDEX   0x3d4
#define CRTC_DATA    0x3d5
#define CURSOR_START 0x0a
#define CURSOR_OFF   0x20

void hosttext_hide_cursor(void)
{
    x86_out8(CRTC_INDEX, CURSOR_START);
    x86_out8(CRTC_DATA, CURSOR_OFF);
}
