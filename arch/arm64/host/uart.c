// SPDX-License-Identifier: MIT
// Polled PL011 driver (ARM DDI 0183, chapter 3). Called by host.c, and by boot_refused() (boot/arm64/early.c) where the
// MMU is off. Uses no interrupt and no counter, which that one could not read.
#include "arch/arm64/host/uart.h"

#include "arch/arm64/host/arm64.h"

#define UART_DR      0x00u
#define UART_FR      0x18u
#define UART_LCR_H   0x2cu
#define UART_CR      0x30u
#define UART_IMSC    0x38u
#define FR_BUSY      0x08u // bytes are still leaving
#define FR_RX_EMPTY  0x10u
#define FR_TX_FULL   0x20u
#define LCR_H_8N1    0x70u // 8 bits, FIFOs on
#define CR_ON        0x301u // UART, transmitter, receiver
#define TYPED_MAX    64u

// A byte leaves a PL011 in 0.1 ms at 115200 baud, 32 of them in 3 ms; a register read takes 100 ns and more on a
// host that is no emulator. A port that takes longer than this is dead, and later bytes must not wait again.
#define POLLS_MAX    1000000u

static uint64_t uart = UART_OF_QEMU; // until the device tree has said something else

// What is typed while we print is kept: the chip holds 16 bytes, a report takes longer.
static uint8_t typed[TYPED_MAX];
static unsigned typed_first, typed_count;

void hostuart_init(uint64_t base)
{
    uart = base;
    if (base == 0)
        return;
    mmio_write32(base + UART_IMSC, 0);
    mmio_write32(base + UART_LCR_H, LCR_H_8N1);
    mmio_write32(base + UART_CR, CR_ON);
}

static uint32_t look(void)
{
    uint32_t flags = mmio_read32(uart + UART_FR);
    if ((flags & FR_RX_EMPTY) == 0 && typed_count < TYPED_MAX)
        typed[(typed_first + typed_count++) % TYPED_MAX] = (uint8_t)mmio_read32(uart + UART_DR);
    return flags;
}

static bool wait_clear(uint32_t unwanted)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        if ((look() & unwanted) == 0)
            return true;
        arm64_yield();
    }
    uart = 0;
    return false;
}

void hostuart_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && uart != 0 && wait_clear(FR_TX_FULL); i++)
        mmio_write32(uart + UART_DR, bytes[i]);
}

int hostuart_read(void)
{
    if (typed_count == 0 && uart != 0)
        look();
    if (typed_count == 0)
        return -1;
    uint8_t byte = typed[typed_first];
    typed_first = (typed_first + 1) % TYPED_MAX;
    typed_count--;
    return byte;
}

void hostuart_flush(void)
{
    if (uart != 0)
        wait_clear(FR_BUSY);
}
