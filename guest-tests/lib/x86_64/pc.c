// SPDX-License-Identifier: MIT
// A PC's console, COM1, and its two ways to end: the debug-exit port, and ACPI's S5.
#include "guest-tests/lib/guest.h"
#include "guest-tests/lib/console.h"
#include "guest-tests/lib/x86_64/devices.h"

#define COM1 0x3f8

void console_init(void)
{
    outb(COM1 + 1, 0x00); // no interrupts
    outb(COM1 + 3, 0x80); // DLAB: divisor 1 is 115200 baud (16550D data sheet, 8.3)
    outb(COM1 + 0, 0x01);
    outb(COM1 + 1, 0x00);
    outb(COM1 + 3, 0x03); // 8n1
    outb(COM1 + 2, 0x07); // FIFOs on and empty
    outb(COM1 + 4, 0x03); // DTR, RTS
}

void console_byte(char c)
{
    for (unsigned polls = 0; polls < 20000 && !(inb(COM1 + 5) & 0x20); polls++)
        __asm__ volatile("pause");
    outb(COM1, (uint8_t)c);
}

void platform_start(void)
{
    console_init();
    traps_install();
    platform_find();
    pic_init(0); // a PC's firmware leaves IRQ 0 open, on a vector that means double fault here
}

void exit_code(uint8_t value)
{
    interrupts_off();
    outb(0xf4, value);
    for (;;) // nobody answers at 0xf4: real hardware, or QEMU without isa-debug-exit
        __asm__ volatile("hlt");
}

// PM1a_CNT: SLP_TYPa in bits 12:10, SLP_EN bit 13 (ACPI 6.5, 4.8.3.2.1). The type for S5 is in the DSDT as AML;
// 0 and 5 cover QEMU, Escapement and most boards.
void power_off(void)
{
    interrupts_off();
    outw(board.pm_control_port, (uint16_t)(1u << 13));
    outw(board.pm_control_port, (uint16_t)(1u << 13 | 5u << 10));
    for (;;)
        __asm__ volatile("hlt");
}
