// SPDX-License-Identifier: MIT
// A VGA's registers: see vga.h. Called by the bus and by whoever shows the screen.
#include "devices/vga.h"

#include <string.h>

#include "devices/bytewise.h"
#include "time/ratio.h"

#define PORT_ATTRIBUTE      0x3c0 // index and data by turns
#define PORT_ATTRIBUTE_READ 0x3c1
#define PORT_MISC           0x3c2 // write; read: input status 0
#define PORT_ENABLE         0x3c3
#define PORT_SEQUENCER      0x3c4
#define PORT_PALETTE_MASK   0x3c6
#define PORT_PALETTE_READ   0x3c7 // write: index to read from; read: which way it is
#define PORT_PALETTE_WRITE  0x3c8
#define PORT_PALETTE_DATA   0x3c9
#define PORT_FEATURE        0x3ca
#define PORT_MISC_READ      0x3cc
#define PORT_GRAPHICS       0x3ce
#define PORT_CRTC           0x3d4
#define PORT_STATUS         0x3da // write: feature control
#define MONO_TO_COLOUR      0x20  // with MISC_COLOUR off, 0x3d4.. is so much lower

#define MISC_COLOUR         0x01
#define MISC_CLOCK_28       0x0c
#define MISC_KEPT           0xef
#define SENSE_MONITOR       0x10 // input status 0
#define STATUS_BLANK        0x01
#define STATUS_RETRACE      0x08
#define PALETTE_IS_READ     0x03
#define ATTRIBUTE_ENABLE    0x20

#define CRTC_H_TOTAL        0x00
#define CRTC_H_END          0x01 // of what is shown
#define CRTC_V_TOTAL        0x06
#define CRTC_OVERFLOW       0x07
#define CRTC_FONT           0x09 // lines of a character less 1
#define CRTC_CURSOR_FROM    0x0a
#define CRTC_CURSOR_TO      0x0b
#define CRTC_START          0x0c
#define CRTC_CURSOR         0x0e
#define CRTC_RETRACE_FROM   0x10
#define CRTC_RETRACE_TO     0x11
#define CRTC_V_END          0x12
#define CRTC_PITCH          0x13
#define FONT_LINES          0x1f
#define FONT_DOUBLED        0x80
#define CURSOR_OFF          0x20
#define RETRACE_LINES       0x0f
#define CRTC_LOCK           0x80 // registers 0 to 7, but for the line compare's bit
#define OVERFLOW_COMPARE    0x10

#define SEQUENCER_CLOCK     1
#define CLOCK_8_DOTS        0x01
#define CLOCK_HALVED        0x08
#define GRAPHICS_MISC       6
#define GRAPHICS_ON         0x01
#define GRAPHICS_WINDOW     0x0c
#define WINDOW_B0000        0x08

#define DOT_HZ_25           25175000
#define DOT_HZ_28           28322000

static const uint8_t mode_3_crtc[VGA_CRTC_REGISTERS] = {
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
    0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
};
static const uint8_t mode_3_sequencer[VGA_SEQUENCER_REGISTERS] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
static const uint8_t mode_3_graphics[VGA_GRAPHICS_REGISTERS] = { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff };
static const uint8_t mode_3_attribute[VGA_ATTRIBUTE_REGISTERS] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
    0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00,
};
#define MODE_3_MISC 0x67

// The bits that the registers have.
static const uint8_t sequencer_bits[VGA_SEQUENCER_REGISTERS] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t graphics_bits[VGA_GRAPHICS_REGISTERS] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };

static uint8_t attribute_bits(unsigned index)
{
    static const uint8_t above_palette[] = { 0xef, 0xff, 0x3f, 0x0f, 0x0f };
    return index < 16 ? 0x3f : above_palette[index - 16];
}

// The colours of an EGA: index rgbRGB, capitals the strong ones.
static uint8_t component(unsigned index, unsigned strong, unsigned weak)
{
    return (uint8_t)((index >> strong & 1) * 0x2a + (index >> weak & 1) * 0x15);
}

void vga_init(struct vga *v, uint64_t hz)
{
    memset(v, 0, sizeof(*v));
    v->hz = hz;
    memcpy(v->crtc, mode_3_crtc, sizeof(v->crtc));
    memcpy(v->sequencer, mode_3_sequencer, sizeof(v->sequencer));
    memcpy(v->graphics, mode_3_graphics, sizeof(v->graphics));
    memcpy(v->attribute, mode_3_attribute, sizeof(v->attribute));
    v->attribute_index = ATTRIBUTE_ENABLE;
    v->misc = MODE_3_MISC;
    v->palette_mask = 0xff;
    for (unsigned i = 0; i < 64; i++) {
        v->palette[i][0] = component(i, 2, 5);
        v->palette[i][1] = component(i, 1, 4);
        v->palette[i][2] = component(i, 0, 3);
    }
}

// --- the beam -------------------------------------------------------------------------------------------------------

// The ninth and tenth bit of a vertical value are in the overflow register.
static uint32_t vertical(const struct vga *v, unsigned index, unsigned bit_8, unsigned bit_9)
{
    uint32_t overflow = v->crtc[CRTC_OVERFLOW];
    return v->crtc[index] | (overflow >> bit_8 & 1) << 8 | (overflow >> bit_9 & 1) << 9;
}

static uint32_t shown_lines(const struct vga *v)
{
    return vertical(v, CRTC_V_END, 1, 6) + 1;
}

static uint8_t input_status(const struct vga *v, vtime_t now)
{
    uint8_t clock = v->sequencer[SEQUENCER_CLOCK];
    uint32_t width = (clock & CLOCK_8_DOTS) != 0 ? 8 : 9; // of a character
    uint32_t line_dots = (v->crtc[CRTC_H_TOTAL] + 5u) * width, lines = vertical(v, CRTC_V_TOTAL, 0, 5) + 2;
    uint64_t dot_hz = (v->misc & MISC_CLOCK_28) == 0 ? DOT_HZ_25 : DOT_HZ_28;
    if ((clock & CLOCK_HALVED) != 0)
        dot_hz /= 2;
    uint32_t dot = (uint32_t)(mul_div_floor(now, dot_hz, v->hz) % ((uint64_t)line_dots * lines));
    uint32_t line = dot / line_dots, column = dot % line_dots / width;
    uint32_t from = vertical(v, CRTC_RETRACE_FROM, 2, 7);
    uint32_t retrace = ((v->crtc[CRTC_RETRACE_TO] - from - 1) & RETRACE_LINES) + 1; // to the next such number of a line
    uint8_t status = line >= from && line - from < retrace ? STATUS_RETRACE : 0;
    return line < shown_lines(v) && column <= v->crtc[CRTC_H_END] ? status : status | STATUS_BLANK;
}

bool vga_layout(const struct vga *v, struct text_layout *out)
{
    uint32_t lines = (v->crtc[CRTC_FONT] & FONT_LINES) + 1u;
    if ((v->crtc[CRTC_FONT] & FONT_DOUBLED) != 0)
        lines *= 2;
    bool off = (v->crtc[CRTC_CURSOR_FROM] & CURSOR_OFF) != 0 ||
               (v->crtc[CRTC_CURSOR_FROM] & FONT_LINES) > (v->crtc[CRTC_CURSOR_TO] & FONT_LINES);
    *out = (struct text_layout){
        .window = (v->graphics[GRAPHICS_MISC] & GRAPHICS_WINDOW) == WINDOW_B0000 ? 0xb0000 : 0xb8000,
        .start = (uint16_t)(v->crtc[CRTC_START] << 8 | v->crtc[CRTC_START + 1]),
        .pitch = (uint16_t)(2 * v->crtc[CRTC_PITCH]),
        .cursor = (uint16_t)(off ? VGA_NO_CURSOR : v->crtc[CRTC_CURSOR] << 8 | v->crtc[CRTC_CURSOR + 1]),
        .columns = (uint16_t)(v->crtc[CRTC_H_END] + 1),
        .rows = (uint16_t)(lines < shown_lines(v) ? shown_lines(v) / lines : 1),
    };
    return (v->graphics[GRAPHICS_MISC] & GRAPHICS_ON) == 0;
}

// --- the ports ------------------------------------------------------------------------------------------------------

// The component that the next access of PORT_PALETTE_DATA is about; after blue comes the next index.
static uint8_t *palette_next(struct vga *v)
{
    uint8_t *component = &v->palette[v->palette_index][v->palette_component];
    if (++v->palette_component == 3) {
        v->palette_component = 0;
        v->palette_index++;
    }
    return component;
}

static void select_palette(struct vga *v, uint8_t index, bool reading)
{
    v->palette_index = index;
    v->palette_component = 0;
    v->palette_reading = reading;
}

static void write_attribute(struct vga *v, uint8_t value)
{
    unsigned index = v->attribute_index & 0x1f;
    if (!v->attribute_data)
        v->attribute_index = value & (ATTRIBUTE_ENABLE | 0x1f);
    else if (index < VGA_ATTRIBUTE_REGISTERS)
        v->attribute[index] = value & attribute_bits(index);
    v->attribute_data = !v->attribute_data;
}

static void write_crtc(struct vga *v, uint8_t value)
{
    unsigned index = v->crtc_index;
    if (index <= CRTC_OVERFLOW && (v->crtc[CRTC_RETRACE_TO] & CRTC_LOCK) != 0) {
        if (index == CRTC_OVERFLOW)
            v->crtc[index] = (uint8_t)((v->crtc[index] & ~OVERFLOW_COMPARE) | (value & OVERFLOW_COMPARE));
    } else if (index < VGA_CRTC_REGISTERS) {
        v->crtc[index] = value;
    }
}

static uint8_t indexed(const uint8_t *registers, unsigned count, unsigned index)
{
    return index < count ? registers[index] : 0;
}

static void write_indexed(uint8_t *registers, const uint8_t *bits, unsigned count, unsigned index, uint8_t value)
{
    if (index < count)
        registers[index] = value & bits[index];
}

static bool read_port(struct vga *v, unsigned port, vtime_t now, uint64_t *value)
{
    switch (port) {
    case PORT_ATTRIBUTE: *value = v->attribute_index; return true;
    case PORT_ATTRIBUTE_READ:
        *value = indexed(v->attribute, VGA_ATTRIBUTE_REGISTERS, v->attribute_index & 0x1f);
        return true;
    case PORT_MISC: *value = SENSE_MONITOR; return true;
    case PORT_ENABLE: *value = 1; return true;
    case PORT_SEQUENCER: *value = v->sequencer_index; return true;
    case PORT_SEQUENCER + 1: *value = indexed(v->sequencer, VGA_SEQUENCER_REGISTERS, v->sequencer_index); return true;
    case PORT_PALETTE_MASK: *value = v->palette_mask; return true;
    case PORT_PALETTE_READ: *value = v->palette_reading ? PALETTE_IS_READ : 0; return true;
    case PORT_PALETTE_WRITE: *value = v->palette_index; return true;
    case PORT_PALETTE_DATA: *value = *palette_next(v); return true;
    case PORT_FEATURE: *value = v->feature; return true;
    case PORT_MISC_READ: *value = v->misc; return true;
    case PORT_GRAPHICS: *value = v->graphics_index; return true;
    case PORT_GRAPHICS + 1: *value = indexed(v->graphics, VGA_GRAPHICS_REGISTERS, v->graphics_index); return true;
    case PORT_CRTC: *value = v->crtc_index; return true;
    case PORT_CRTC + 1: *value = indexed(v->crtc, VGA_CRTC_REGISTERS, v->crtc_index); return true;
    case PORT_STATUS:
        v->attribute_data = false;
        *value = input_status(v, now);
        return true;
    default: return false;
    }
}

static bool write_port(struct vga *v, unsigned port, uint8_t value)
{
    switch (port) {
    case PORT_ATTRIBUTE: write_attribute(v, value); return true;
    case PORT_MISC: v->misc = value & MISC_KEPT; return true;
    case PORT_ENABLE: return true;
    case PORT_SEQUENCER: v->sequencer_index = value & 0x07; return true;
    case PORT_SEQUENCER + 1:
        write_indexed(v->sequencer, sequencer_bits, VGA_SEQUENCER_REGISTERS, v->sequencer_index, value);
        return true;
    case PORT_PALETTE_MASK: v->palette_mask = value; return true;
    case PORT_PALETTE_READ: select_palette(v, value, true); return true;
    case PORT_PALETTE_WRITE: select_palette(v, value, false); return true;
    case PORT_PALETTE_DATA: *palette_next(v) = value & 0x3f; return true;
    case PORT_GRAPHICS: v->graphics_index = value & 0x0f; return true;
    case PORT_GRAPHICS + 1:
        write_indexed(v->graphics, graphics_bits, VGA_GRAPHICS_REGISTERS, v->graphics_index, value);
        return true;
    case PORT_CRTC: v->crtc_index = value & 0x3f; return true;
    case PORT_CRTC + 1: write_crtc(v, value); return true;
    case PORT_STATUS: v->feature = value; return true;
    default: return false;
    }
}

// The port as on a colour screen. False: it is the other screen's, the CRT controller and input status 1 are not there.
static bool decode(const struct vga *v, uint64_t offset, unsigned *port)
{
    bool moves = offset < PORT_ATTRIBUTE || offset > PORT_GRAPHICS + 1, mono = offset < PORT_ATTRIBUTE;
    *port = (unsigned)offset + (mono ? MONO_TO_COLOUR : 0);
    return !moves || mono == ((v->misc & MISC_COLOUR) == 0);
}

static enum io_result byte_port(void *device, struct io_access *io, vtime_t now)
{
    struct vga *v = device;
    unsigned port;
    if (!decode(v, io->offset, &port))
        return IO_UNCLAIMED;
    bool known = io->is_write ? write_port(v, port, (uint8_t)io->value) : read_port(v, port, now, &io->value);
    return known ? IO_OK : IO_UNCLAIMED;
}

static enum io_result vga_access(void *device, struct io_access *io, vtime_t now)
{
    return bytewise_access(device, io, now, byte_port);
}

const struct device_ops vga_ops = {
    .name = "vga",
    .access = vga_access,
};
