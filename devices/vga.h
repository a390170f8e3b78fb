// SPDX-License-Identifier: MIT
// The registers of a VGA in a text mode (IBM VGA Technical Reference, 1992): CRT controller, sequencer, graphics and
// attribute controller, palette, and the retrace that input status 1 shows. The characters are in the guest's memory,
// where it writes them without an exit; what a cell means is said by vga_layout().
//
//   0x3c0..0x3cf  attribute controller, miscellaneous output, sequencer, palette, graphics controller
//   0x3d4, 0x3d5  CRT controller     } at 0x3b4, 0x3b5, 0x3ba when miscellaneous output says that the screen
//   0x3da         input status 1     } is a monochrome one
//
// The beam is where V and the timing registers say, from the first dot of a frame at V = 0.
#ifndef DEVICES_VGA_H
#define DEVICES_VGA_H

#include "devices/device.h"

#define VGA_CRTC_REGISTERS      25
#define VGA_SEQUENCER_REGISTERS 5
#define VGA_GRAPHICS_REGISTERS  9
#define VGA_ATTRIBUTE_REGISTERS 21

struct vga {
    uint64_t hz; // cycles of V in a second
    uint8_t crtc[VGA_CRTC_REGISTERS];
    uint8_t sequencer[VGA_SEQUENCER_REGISTERS];
    uint8_t graphics[VGA_GRAPHICS_REGISTERS];
    uint8_t attribute[VGA_ATTRIBUTE_REGISTERS];
    uint8_t crtc_index, sequencer_index, graphics_index;
    uint8_t attribute_index; // bit 5: the palette is in use
    bool    attribute_data;  // what comes next to 0x3c0: data, not an index
    uint8_t misc, feature, palette_mask;
    bool    palette_reading;
    uint8_t palette_index;     // that the next byte of 0x3c9 belongs to,
    uint8_t palette_component; // and which of red, green and blue it is
    uint8_t palette[256][3];   // of 6 bits
};

// Mode 3, as firmware sets it: 80 by 25 characters of 9 by 16 dots.
void vga_init(struct vga *vga, uint64_t hz);

extern const struct device_ops vga_ops;

// Where the characters of the screen are. A cell is two bytes, character and attribute; cell numbers wrap at the end of
// the window.
#define VGA_WINDOW_BYTES 0x8000u
#define VGA_NO_CURSOR    0xffff
struct text_layout {
    uint32_t window;        // address of cell 0
    uint16_t start, pitch;  // first cell of the screen; from a row to the next
    uint16_t cursor;        // cell it is in, or VGA_NO_CURSOR
    uint16_t columns, rows; // at least 1, at most 256 and 1024
};

// False: the registers ask for graphics.
bool vga_layout(const struct vga *vga, struct text_layout *out);

#endif
