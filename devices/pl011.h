// SPDX-License-Identifier: MIT
// The PL011 serial port (Arm DDI 0183G, r1p5: FIFOs of 32 bytes), both directions, FIFOs, interrupts and loopback.
//
// Simplifications, all of them about the wire, none about a register: transmission takes no time; the word length does
// not cut bytes; received bytes carry no parity, framing or break error, nor does LCR_H's BRK send one; there is no
// IrDA and no DMA; CTS, DSR and DCD are asserted for ever. The receive timeout is exact: 32 bit times of V.
//
// It is as firmware leaves it: enabled, 115200 baud, 8 bits, no FIFOs, no interrupts. A guest that only writes UARTDR
// is heard. Bytes written while the transmitter is off wait in its FIFO.
//
// The monitor calls pl011_take_tx() until it is false after every access, and pl011_push_rx() after an advance() to
// now.
#ifndef DEVICES_PL011_H
#define DEVICES_PL011_H

#include "devices/device.h"

#define PL011_SIZE     0x1000u
#define PL011_FIFO     32
#define PL011_CLOCK_HZ 24000000u // UARTCLK

struct pl011_fifo {
    uint8_t byte[PL011_FIFO];
    uint8_t head, count;
};

struct pl011 {
    uint64_t guest_hz;
    vtime_t now;         // of the last access or advance: when a pushed byte arrives
    vtime_t rx_activity; // V at which the silence began that the receive timeout measures
    struct irq_line irq; // UARTINTR, all of them combined
    struct pl011_fifo rx, tx;
    uint32_t divisor; // in 64ths, as it was when LCR_H was last written
    uint16_t ibrd, cr, ris, imsc;
    uint8_t fbrd, lcr_h, ilpr, ifls, dmacr;
    uint8_t overrun;    // UARTRSR.OE: until UARTECR is written
    uint8_t byte_lost;  // UARTDR.OE: until there is room again
    uint8_t timed;      // the silence has been reported
    uint8_t reserved[4];
    uint64_t tx_lost; // bytes that found the transmit FIFO full
};

// The offset is from the base of its page. Any width; UARTDR is one byte of the FIFO an access.
extern const struct device_ops pl011_ops;

void pl011_init(struct pl011 *uart, uint64_t guest_hz);
bool pl011_take_tx(struct pl011 *uart, uint8_t *byte);
bool pl011_push_rx(struct pl011 *uart, uint8_t byte); // false: full, off or looped back; the caller keeps the byte

#endif
