// SPDX-License-Identifier: MIT
// Polled 16550 driver for the host's COM1 and COM2 (16550D data sheet, chapter 8). Called by log.c, panic.c and the
// guest's console. Uses the transmit FIFO: one look at the line status, then up to 16 bytes. Never waits without a
// bound, never uses an interrupt.
#include "arch/x86_64/host/serial.h"

#include "arch/x86_64/host/x86.h"
#include "time/units.h"

#define UART_DATA      0
#define UART_IER       1
#define UART_FCR       2
#define UART_LCR       3
#define UART_MCR       4
#define UART_LSR       5
#define UART_SCRATCH   7
#define LCR_8N1        0x03
#define LCR_DLAB       0x80
#define FCR_ON_CLEARED 0x07
#define IIR_FIFOS_ON   0xc0
#define MCR_DTR_RTS    0x03
#define LSR_DATA       0x01
#define LSR_EMPTY      0x20 // holding register or FIFO can take bytes
#define LSR_IDLE       0x40 // shift register empty too
#define DIVISOR_115200 1
#define FIFO_BYTES     16
#define TYPED_MAX      64

// 16 bytes leave a UART in 1.4 ms at 115200 baud. A port read takes about 1 us on a real machine and one cycle on an
// emulated one: both limits must be passed before a port is taken for dead.
#define POLLS_MAX      20000u
#define CYCLES_MAX     (1u << 24)

struct uart {
    uint16_t base;
    bool present;
    uint8_t burst; // bytes it takes after LSR_EMPTY
};

static struct uart uarts[HOSTSERIAL_PORTS] = { { .base = 0x3f8 }, { .base = 0x2f8 } };
static unsigned log_port;

static uint8_t uart_read(const struct uart *uart, uint16_t reg)
{
    return x86_in8((uint16_t)(uart->base + reg));
}

static void uart_write(const struct uart *uart, uint16_t reg, uint8_t value)
{
    x86_out8((uint16_t)(uart->base + reg), value);
}

// A missing UART reads 0xff everywhere; the scratch register holds what is written on every 16450 and later.
static bool probe(const struct uart *uart)
{
    uart_write(uart, UART_SCRATCH, 0x5a);
    if (uart_read(uart, UART_SCRATCH) != 0x5a)
        return false;
    uart_write(uart, UART_SCRATCH, 0xa5);
    return uart_read(uart, UART_SCRATCH) == 0xa5;
}

// What is typed while we print is kept: the chip holds 16 bytes, a report takes longer.
static uint8_t typed[TYPED_MAX];
static unsigned typed_first, typed_count;

static void keep_typed(const struct uart *uart, uint8_t status)
{
    if (uart == &uarts[HOSTSERIAL_COM1] && (status & LSR_DATA) != 0 && typed_count < TYPED_MAX)
        typed[(typed_first + typed_count++) % TYPED_MAX] = uart_read(uart, UART_DATA);
}

static bool wait_for(struct uart *uart, uint8_t wanted)
{
    htime_t start = x86_rdtsc();
    for (unsigned polls = 0; polls < POLLS_MAX || x86_rdtsc() - start < CYCLES_MAX; polls++) {
        uint8_t status = uart_read(uart, UART_LSR);
        keep_typed(uart, status);
        if ((status & wanted) != 0)
            return true;
        x86_pause();
    }
    uart->present = false; // dead: later bytes must not wait again
    return false;
}

void hostserial_init(void)
{
    for (unsigned i = 0; i < HOSTSERIAL_PORTS; i++) {
        struct uart *uart = &uarts[i];
        uart->present = probe(uart);
        if (!uart->present)
            continue;
        uart_write(uart, UART_IER, 0);
        uart_write(uart, UART_LCR, LCR_DLAB | LCR_8N1);
        uart_write(uart, UART_DATA, DIVISOR_115200);
        uart_write(uart, UART_IER, 0); // divisor, high byte
        uart_write(uart, UART_LCR, LCR_8N1);
        uart_write(uart, UART_FCR, FCR_ON_CLEARED);
        uart_write(uart, UART_MCR, MCR_DTR_RTS);
        uart->burst = (uart_read(uart, UART_FCR) & IIR_FIFOS_ON) == IIR_FIFOS_ON ? FIFO_BYTES : 1;
    }
}

bool hostserial_present(unsigned port_index)
{
    return port_index < HOSTSERIAL_PORTS && uarts[port_index].present;
}

void hostserial_set_log(unsigned port_index)
{
    if (port_index < HOSTSERIAL_PORTS)
        log_port = port_index;
}

unsigned hostserial_log_port(void)
{
    return log_port;
}

void hostserial_write(unsigned port_index, const char *bytes, size_t size)
{
    if (port_index >= HOSTSERIAL_PORTS)
        return;
    struct uart *uart = &uarts[port_index];
    for (size_t i = 0; i < size && uart->present && wait_for(uart, LSR_EMPTY);) {
        for (unsigned n = 0; n < uart->burst && i < size; n++)
            uart_write(uart, UART_DATA, (uint8_t)bytes[i++]);
    }
}

int hostserial_read(void)
{
    const struct uart *uart = &uarts[HOSTSERIAL_COM1];
    if (typed_count != 0) {
        uint8_t byte = typed[typed_first];
        typed_first = (typed_first + 1) % TYPED_MAX;
        typed_count--;
        return byte;
    }
    if (!uart->present || (uart_read(uart, UART_LSR) & LSR_DATA) == 0)
        return -1;
    return uart_read(uart, UART_DATA);
}

void hostserial_flush(void)
{
    for (unsigned i = 0; i < HOSTSERIAL_PORTS; i++) {
        if (uarts[i].present)
            wait_for(&uarts[i], LSR_IDLE);
    }
}
