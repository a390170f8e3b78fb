// SPDX-License-Identifier: MIT
// The 16550A serial port (National PC16550D data sheet), both directions, FIFO, interrupts and loopback.
//
// Simplifications, all of them about the wire, none about a register: transmission takes no time, so THRE and TEMT read
// 1; the word length does not cut bytes, it only shapes the character time; received bytes carry no parity, framing or
// break error; CTS, DSR and DCD are asserted for ever. The receiver's timeout is exact: four character times of V.
// The PC wires OUT2 to the interrupt line's gate; here the MCR bit gates it, in loopback too, as in Super I/O chips.
//
// The monitor calls uart_take_tx() until it is false after every access, and uart_push_rx() after an advance() to now.
#ifndef DEVICES_UART16550_H
#define DEVICES_UART16550_H

#include "devices/device.h"

#define UART_FIFO_SIZE 16
#define UART_PORTS     8

struct uart_fifo {
    uint8_t byte[UART_FIFO_SIZE];
    uint8_t head, count;
};

struct uart {
    uint64_t guest_hz;
    vtime_t now;         // of the last access or advance: when a pushed byte arrives
    vtime_t rx_activity; // V of the last byte received or read
    struct irq_line irq;
    struct uart_fifo rx, tx;
    uint16_t base_port;
    uint16_t divisor; // DLM:DLL
    uint8_t ier, fcr, lcr, mcr, scratch;
    uint8_t lsr_errors;   // OE, the only one that can happen
    uint8_t msr_deltas;   // low half of MSR
    uint8_t thre_pending; // cleared by an IIR read that reports it
    uint8_t timed_out;    // character timeout, cleared by a read of the receiver
    uint8_t reserved[7];
    uint64_t tx_lost; // bytes that found the output full because the monitor did not take them
};

extern const struct device_ops uart_ops; // ports base .. base+7; a wider access is split into bytes, as the bus does

void uart_init(struct uart *uart, uint16_t base_port, uint64_t guest_hz);
bool uart_take_tx(struct uart *uart, uint8_t *byte);
bool uart_push_rx(struct uart *uart, uint8_t byte); // false: full or looped back, the caller keeps the byte

#endif
