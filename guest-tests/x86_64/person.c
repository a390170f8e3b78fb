// SPDX-License-Identifier: MIT
// What a PC has for the person in front of it, and where firmware says so: the BIOS data area and the EBDA, the text
// screen's registers, memory and retrace, the keyboard controller and its interrupt.
#include "guest-tests/lib/x86_64/devices.h"

#define IRQ_KEYBOARD 1
#define BLANK        0x01
#define RETRACE      0x08

static volatile uint8_t *low(uint64_t address)
{
    __asm__("" : "+r"(address)); // so low that a compiler takes it for a null pointer with an offset
    return (volatile uint8_t *)address;
}

static unsigned low16(uint64_t address)
{
    return low(address)[0] | (unsigned)low(address)[1] << 8;
}

static void firmware(void)
{
    unsigned kib = low16(0x413), ebda = low16(0x40e);
    ok(kib == 639 && ebda == kib * 64, "base memory %u KiB, the EBDA above it at segment %x", kib, ebda);
    ok(low(ebda * 16)[0] == 640 - kib, "the EBDA has %u KiB, up to the screen", low(ebda * 16)[0]);
    ok(low16(0x400) == 0x3f8 && low16(0x402) == 0, "the serial ports are at %x, %x", low16(0x400), low16(0x402));
    ok(low(0x449)[0] == 3 && low16(0x44a) == 80 && low16(0x463) == 0x3d4, "mode %u, %u columns, CRT controller at %x",
       low(0x449)[0], low16(0x44a), low16(0x463));
}

static uint8_t crtc(uint8_t index)
{
    outb(0x3d4, index);
    return inb(0x3d5);
}

static void screen(void)
{
    volatile uint8_t *cell = low(0xb8000);
    ok(cell[0] == ' ' && cell[1] == 0x07 && cell[3998] == ' ', "the screen is clear");
    ok(crtc(0x01) == 79 && (crtc(0x09) & 0x1f) == 15 && crtc(0x12) == 0x8f, "80 columns, 16 lines a row, 400 in all");
    cell[0] = 'E';
    outb(0x3d4, 0x0f);
    outb(0x3d5, 7);
    ok(cell[0] == 'E' && crtc(0x0f) == 7, "a character and the cursor stay where they are put");
}

// Input status 1 as a beam of 28.322 MHz has it: 900 dots a line, 449 lines a frame, 720 by 400 of them shown.
static uint8_t beam(uint64_t stamp)
{
    uint64_t dot = mul_div_floor(stamp, 28322000, platform.counter_hz) % (900 * 449);
    uint64_t line = dot / 900;
    return (uint8_t)((line < 400 && dot % 900 < 720 ? 0 : BLANK) | (line == 412 || line == 413 ? RETRACE : 0));
}

// At any stamps, over a few frames: the access happens at its first stamp or the one after it.
static void retrace(void)
{
    unsigned reads = 0, wrong = 0, seen = 0;
    for (unsigned i = 0; i < 2000; i++) {
        for (volatile unsigned wait = 0; wait < 97 * (i % 31); wait++)
            continue;
        uint64_t before = rdtsc();
        uint8_t status = inb(0x3da);
        uint64_t after = rdtsc();
        bool right = false;
        for (uint64_t stamp = before; stamp <= after && stamp < before + 1000; stamp++)
            right |= status == beam(stamp);
        wrong += !right;
        reads++;
        seen |= 1u << status;
    }
    ok_exact(wrong == 0, "%u of %u reads of input status 1 are not where the beam is", wrong, reads);
    ok((seen & (1u << 0)) != 0 && (seen & (1u << BLANK)) != 0, "both shown and blank were seen");
}

static void acknowledge(void)
{
    pic_eoi(IRQ_KEYBOARD);
}

static uint8_t answer(uint8_t command)
{
    outb(0x64, command);
    return inb(0x60);
}

static void keyboard(void)
{
    ok(inb(0x64) == 0x14, "status %x: tested, and nothing to read", inb(0x64));
    ok(answer(0xaa) == 0x55 && answer(0xab) == 0, "self-test and keyboard test");
    outb(0x60, 0xf2);
    unsigned id = inb(0x60);
    id = id << 16 | (unsigned)inb(0x60) << 8;
    id |= inb(0x60);
    ok(id == 0xfaab41, "the keyboard's identification %x", id);
    trap_record(VECTOR_PIC + IRQ_KEYBOARD, acknowledge);
    pic_init(1 << IRQ_KEYBOARD);
    outb(0x64, 0xd2);
    outb(0x60, 0x1e);
    ok(wait_for_record(1, 1000000) && inb(0x60) == 0x1e, "its interrupt comes, with the byte");
    for (unsigned i = 0; i < 20000; i++) {
        outb(0x60, (uint8_t)i);
        outb(0x64, (uint8_t)(i % 0xd0)); // below the one that resets
    }
    for (unsigned i = 0; i < 64 && (inb(0x64) & 1) != 0; i++)
        inb(0x60);
    ok((inb(0x64) & 1) == 0 && answer(0xaa) == 0x55, "40000 bytes written to it leave nothing behind");
}

void test_main(void)
{
    plan(14);
    firmware();
    screen();
    retrace();
    keyboard();
    finish();
}
