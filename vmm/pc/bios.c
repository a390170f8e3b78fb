// SPDX-License-Identifier: MIT
// The BIOS data area as bytes, see pc/bios.h. Called when a VM is made; writes only page zero, the EBDA and the text
// screen. Pure. Offsets are those of the IBM PS/2 and Personal Computer BIOS Interface Technical Reference, chapter 3.
#include "vmm/pc/bios.h"

#include "time/ratio.h"
#include "vmm/pc/tables.h"
#include "vmm/base/guestmem.h"

#define BDA            0x400u
#define COM1           0x00 // ports of four serial ports, 0: not there
#define EBDA_SEGMENT   0x0e
#define EQUIPMENT      0x10
#define BASE_KIB       0x13
#define KEYS_HEAD      0x1a // of the ring of typed keys, which is empty
#define KEYS_TAIL      0x1c
#define VIDEO_MODE     0x49
#define VIDEO_COLUMNS  0x4a
#define VIDEO_PAGE     0x4c // bytes of a page of the screen
#define CURSOR_SHAPE   0x60
#define CRTC_PORT      0x63
#define TICKS          0x6c
#define KEYS_START     0x80
#define KEYS_END       0x82
#define VIDEO_LAST_ROW 0x84
#define FONT_LINES     0x85
#define KEYBOARD_FLAGS 0x96

#define EQUIPMENT_BITS 0x0222 // a coprocessor, an 80 by 25 colour screen at the start, one serial port
#define KEYBOARD_101   0x10
#define KEYS_RING      0x1e
#define BLANK          UINT64_C(0x0720072007200720) // four grey blanks on black
#define DAY_S          86400
#define PIT_HZ         1193182
#define PIT_CYCLES     65536

void guest_bios_build(struct guest_ram ram)
{
    uint8_t *low = guest_pointer(ram, (gpa){ 0 }, MIB), *bda = low + BDA;

    put16(bda + COM1, 0x3f8);
    put16(bda + EBDA_SEGMENT, GUEST_EBDA_BASE >> 4);
    put16(bda + EQUIPMENT, EQUIPMENT_BITS);
    put16(bda + BASE_KIB, GUEST_EBDA_BASE / KIB);
    put16(bda + KEYS_HEAD, KEYS_RING);
    put16(bda + KEYS_TAIL, KEYS_RING);
    put16(bda + KEYS_START, KEYS_RING);
    put16(bda + KEYS_END, KEYS_RING + 32);
    bda[KEYBOARD_FLAGS] = KEYBOARD_101;
    bda[VIDEO_MODE] = 3;
    bda[VIDEO_COLUMNS] = 80;
    put16(bda + VIDEO_PAGE, 0x1000);
    put16(bda + CURSOR_SHAPE, 0x0d0e);
    put16(bda + CRTC_PORT, 0x3d4);
    bda[VIDEO_LAST_ROW] = 24;
    bda[FONT_LINES] = 16;
    low[GUEST_EBDA_BASE] = 1; // its own size in KiB
    for (uint64_t at = GUEST_TEXT_BASE; at < GUEST_TEXT_END; at += sizeof(BLANK))
        put64(low + at, BLANK);
}

void guest_bios_set_clock(struct guest_ram ram, int64_t seconds)
{
    uint64_t of_day = (uint64_t)((seconds % DAY_S + DAY_S) % DAY_S);

    put32(guest_pointer(ram, (gpa){ BDA + TICKS }, 4), (uint32_t)mul_div_floor(of_day, PIT_HZ, PIT_CYCLES));
}
