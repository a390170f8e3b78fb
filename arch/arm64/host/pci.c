// SPDX-License-Identifier: MIT
// PCI configuration space through ECAM (PCI Express 7.2.2), as far as one simple 16550 needs it: PCI 3.0, 6.1 and
// appendix D for its class, 6.2.5 for its address. Firmware may have left it without one: then it gets one, for nobody
// else on this bus is ever switched on. The chip: 16550D data sheet, chapter 8.
#include "arch/arm64/host/pci.h"

#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/board.h"

#define FUNCTIONS     256u // 32 devices of 8
#define FUNCTION_BYTES 4096u
#define CONFIG_ID      0x00u
#define CONFIG_COMMAND 0x04u
#define CONFIG_CLASS   0x08u
#define CONFIG_BAR0    0x10u
#define COMMAND_IO     1u
#define CLASS_16550    0x070002u
#define BAR_IS_IO      1u
#define BAR_IO_MASK    0xfffcu
#define OUR_PORT       0x1000u
#define PORTS          8u

#define UART_DATA      0u
#define UART_IER       1u
#define UART_FCR       2u
#define UART_LCR       3u
#define UART_MCR       4u
#define UART_LSR       5u
#define LCR_8N1        0x03u
#define LCR_DLAB       0x80u
#define FCR_ON_CLEARED 0x07u
#define IIR_FIFOS_ON   0xc0u
#define MCR_DTR_RTS    0x03u
#define LSR_EMPTY      0x20u
#define LSR_IDLE       0x40u
#define LSR_ABSENT     0xffu
#define FIFO_BYTES     16u
#define POLLS_MAX      1000000u // 16 bytes leave in 1.4 ms at 115200 baud, a read takes 100 ns and more: host/uart.c

static uint64_t uart; // where its registers are; 0: there is none, or it is dead
static unsigned burst;

static uint64_t find(uint64_t ecam, uint64_t size)
{
    for (unsigned i = 0; i < FUNCTIONS && (i + 1) * FUNCTION_BYTES <= size; i++) {
        uint64_t function = ecam + i * FUNCTION_BYTES;
        if (mmio_read32(function + CONFIG_ID) != UINT32_MAX && mmio_read32(function + CONFIG_CLASS) >> 8 == CLASS_16550)
            return function;
    }
    return 0;
}

static void set_up(void)
{
    mmio_write8(uart + UART_IER, 0);
    mmio_write8(uart + UART_LCR, LCR_DLAB | LCR_8N1);
    mmio_write8(uart + UART_DATA, 1); // 115200 baud
    mmio_write8(uart + UART_IER, 0);
    mmio_write8(uart + UART_LCR, LCR_8N1);
    mmio_write8(uart + UART_FCR, FCR_ON_CLEARED);
    mmio_write8(uart + UART_MCR, MCR_DTR_RTS);
    burst = (mmio_read8(uart + UART_FCR) & IIR_FIFOS_ON) == IIR_FIFOS_ON ? FIFO_BYTES : 1;
    if (mmio_read8(uart + UART_LSR) == LSR_ABSENT)
        uart = 0;
}

void hostpci_init(void)
{
    const struct board *at = board();
    uint64_t function = at->ecam != 0 && at->pci_io != 0 ? find(at->ecam, at->ecam_size) : 0;
    if (function == 0)
        return;
    uint32_t bar = mmio_read32(function + CONFIG_BAR0);
    if ((bar & BAR_IS_IO) == 0)
        return;
    if ((bar & BAR_IO_MASK) == 0) {
        mmio_write32(function + CONFIG_BAR0, OUR_PORT);
        bar = mmio_read32(function + CONFIG_BAR0);
    }
    uint64_t port = bar & BAR_IO_MASK;
    if (port == 0 || port + PORTS > at->pci_io_size)
        return;
    mmio_write16(function + CONFIG_COMMAND, mmio_read16(function + CONFIG_COMMAND) | COMMAND_IO);
    uart = at->pci_io + port;
    set_up();
}

bool hostpci_has_serial(void)
{
    return uart != 0;
}

static bool wait_for(uint8_t wanted)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        if ((mmio_read8(uart + UART_LSR) & wanted) != 0)
            return true;
        arm64_yield();
    }
    uart = 0; // dead: later bytes must not wait again
    return false;
}

void hostpci_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && uart != 0 && wait_for(LSR_EMPTY);) {
        for (unsigned n = 0; n < burst && i < size; n++)
            mmio_write8(uart + UART_DATA, bytes[i++]);
    }
}

void hostpci_flush(void)
{
    if (uart != 0)
        wait_for(LSR_IDLE);
}
